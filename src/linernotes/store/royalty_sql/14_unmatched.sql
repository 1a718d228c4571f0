-- What nothing in the catalogue answers to.
SELECT usage_period, currency, CAST(SUM(amount_micro) AS BIGINT) AS amount_micro
FROM heaps
WHERE thing_no IS NULL
GROUP BY usage_period, currency
