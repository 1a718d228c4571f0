-- Who has what part of each right in each cell, and why: parts of a whole; for every right they add up to it.
-- tie_no is the order in which equal remainders are served: by party, claim, right; who is nobody comes last.
SELECT
    *,
    ((CAST(party_no AS BIGINT) * 16777216 + claim_no) * 8 + right_no) * 8 + reason_no AS tie_no
FROM (
    SELECT x.cell_no, x.right_no, 0 AS reason_no, q.party_no, 0 AS claim_no,
        x.own_parts * GREATEST(0, q.parts - GREATEST(0, q.asked - x.share_whole)) AS parts,
        x.claim_whole * x.share_whole AS whole
    FROM sides AS x JOIN asked_by_shares AS q ON q.cell_no = x.cell_no AND q.right_no = x.right_no
    WHERE x.own_parts > 0 AND q.parts > GREATEST(0, q.asked - x.share_whole)
    UNION ALL
    SELECT x.cell_no, x.right_no, CASE WHEN q.is_due THEN 1 ELSE 2 END, q.party_no, q.claim_no,
        x.share_whole * GREATEST(0, q.parts - GREATEST(0, q.asked - x.claim_whole)),
        x.claim_whole * x.share_whole
    FROM sides AS x JOIN asked_by_claims AS q ON q.cell_no = x.cell_no AND q.side = x.side
    WHERE q.parts > GREATEST(0, q.asked - x.claim_whole)
    UNION ALL
    SELECT cell_no, right_no, 3, 2147483647, 0,
        share_whole * (claim_whole - claims_granted), claim_whole * share_whole
    FROM sides WHERE claims_asked > claim_whole AND claims_granted < claim_whole
    UNION ALL
    SELECT cell_no, right_no, 4, 2147483647, 0,
        own_parts * (share_whole - shares_granted), claim_whole * share_whole
    FROM sides WHERE own_parts > 0 AND shares_asked > share_whole AND shares_granted < share_whole
    UNION ALL
    SELECT cell_no, right_no, CASE WHEN too_fine THEN 5 ELSE 6 END, 2147483647, 0,
        own_parts * (share_whole - shares_asked), claim_whole * share_whole
    FROM sides WHERE own_parts > 0 AND shares_asked < share_whole
) AS parts_of_rights
