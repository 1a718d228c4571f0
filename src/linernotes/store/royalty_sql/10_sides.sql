-- What is left of each right in each cell when the claims have taken theirs, and what its shares come to.
-- Whoever asks for more than there is gets what nobody else asks for; the rest is contested.
SELECT
    c.cell_no,
    c.right_no,
    c.side,
    t.too_fine,
    t.claim_whole,
    t.share_whole,
    COALESCE(k.asked, 0) AS claims_asked,
    COALESCE(k.granted, 0) AS claims_granted,
    GREATEST(0, t.claim_whole - COALESCE(k.asked, 0)) AS own_parts,
    COALESCE(s.asked, 0) AS shares_asked,
    COALESCE(s.granted, 0) AS shares_granted
FROM (
    SELECT DISTINCT p.cell_no, p.thing_no, r.right_no, r.side FROM pools AS p JOIN rule_parts AS r ON r.rule_no = p.rule_no
) AS c
JOIN things AS t ON t.thing_no = c.thing_no
LEFT JOIN (
    SELECT q.cell_no, q.side, MAX(q.asked) AS asked,
        CAST(SUM(GREATEST(0, q.parts - GREATEST(0, q.asked - t.claim_whole))) AS BIGINT) AS granted
    FROM asked_by_claims AS q JOIN things AS t ON t.thing_no = q.thing_no GROUP BY q.cell_no, q.side
) AS k ON k.cell_no = c.cell_no AND k.side = c.side
LEFT JOIN (
    SELECT q.cell_no, q.right_no, MAX(q.asked) AS asked,
        CAST(SUM(GREATEST(0, q.parts - GREATEST(0, q.asked - t.share_whole))) AS BIGINT) AS granted
    FROM asked_by_shares AS q JOIN things AS t ON t.thing_no = q.thing_no GROUP BY q.cell_no, q.right_no
) AS s ON s.cell_no = c.cell_no AND s.right_no = c.right_no
