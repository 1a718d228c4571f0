-- What claims ask of each side of each cell, in parts of the thing's claim_whole.
SELECT
    c.cell_no,
    c.thing_no,
    k.side,
    k.claim_no,
    k.party_no,
    k.is_due,
    k.parts,
    CAST(SUM(k.parts) OVER (PARTITION BY c.cell_no, k.side) AS BIGINT) AS asked
FROM (SELECT DISTINCT cell_no, thing_no, place FROM cells) AS c
JOIN claims AS k ON k.thing_no = c.thing_no AND (k.country = '' OR k.country = c.place)
