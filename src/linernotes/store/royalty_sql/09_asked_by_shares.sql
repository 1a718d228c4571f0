-- What parties say they have of each right in each cell, in parts of the thing's share_whole.
SELECT
    cell_no,
    thing_no,
    right_no,
    party_no,
    parts,
    CAST(SUM(parts) OVER (PARTITION BY cell_no, right_no) AS BIGINT) AS asked
FROM (
    SELECT c.cell_no, c.thing_no, s.right_no, s.party_no, CAST(SUM(s.parts) AS BIGINT) AS parts
    FROM (SELECT cell_no, thing_no, place, MIN(used_on) AS on_day FROM cells GROUP BY cell_no, thing_no, place) AS c
    JOIN shares AS s ON s.thing_no = c.thing_no AND s.valid_from <= c.on_day AND c.on_day < s.valid_to
    LEFT JOIN places AS p ON p.code = s.territory AND p.country = c.place
    WHERE s.is_world OR p.country IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS held
