-- What the books need: by book, reason and party; what is held also by what it waits for, a claim or a thing.
SELECT
    book_no,
    reason_no,
    party_no,
    CASE WHEN reason_no = 2 THEN claim_no ELSE 0 END AS claim_no,
    CASE WHEN reason_no IN (3, 4, 5) THEN thing_no ELSE 0 END AS thing_no,
    CAST(SUM(amount_micro) AS BIGINT) AS amount_micro
FROM divided
GROUP BY 1, 2, 3, 4, 5
