-- Where and when nobody's share of a thing changes: a cell. Its place is empty where none makes a difference to it.
-- Days between which nothing changes have the same number of changes before them.
SELECT
    thing_no,
    place,
    used_on,
    CAST(DENSE_RANK() OVER (ORDER BY thing_no, place, n_changes) AS INTEGER) AS cell_no
FROM (
    SELECT d.thing_no, d.place, d.used_on, COUNT(c.changed_on) AS n_changes
    FROM (
        SELECT DISTINCT h.thing_no, CASE WHEN t.by_place THEN h.territory ELSE '' END AS place, h.used_on
        FROM heaps AS h
        JOIN things AS t ON t.thing_no = h.thing_no
    ) AS d
    LEFT JOIN changes AS c ON c.thing_no = d.thing_no AND c.changed_on <= d.used_on
    GROUP BY d.thing_no, d.place, d.used_on
) AS counted
