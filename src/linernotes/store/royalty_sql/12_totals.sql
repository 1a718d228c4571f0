-- What the books need: by usage period, currency, reason and payee; what is held also by what it waits for.
SELECT
    p.usage_period,
    p.currency,
    d.reason,
    CASE WHEN d.party_no = 2147483647 THEN 0 ELSE COALESCE(y.payee_no, 0) END AS payee_no,
    CASE WHEN d.reason = 'open_claim' THEN d.claim_no ELSE 0 END AS claim_no,
    CASE WHEN d.reason IN ('contested_claims', 'contested_shares', 'too_fine') THEN p.thing_no ELSE 0 END AS thing_no,
    CAST(SUM(d.amount_micro) AS BIGINT) AS amount_micro
FROM divided AS d
JOIN pools AS p ON p.pool_no = d.pool_no
LEFT JOIN parties AS y ON y.party_no = d.party_no
GROUP BY 1, 2, 3, 4, 5, 6
