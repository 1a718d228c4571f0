-- Each pool, divided by largest remainder: whole micro-units first, then one more to those who lost most by rounding.
-- A pool's fractions have one denominator. Products beyond 64 bits are the exception, and worked out in 128.
SELECT
    pool_no,
    book_no,
    thing_no,
    right_no,
    reason_no,
    party_no,
    claim_no,
    numerator,
    denominator,
    CASE WHEN pool_micro < 0 THEN -1 ELSE 1 END * (whole_micro + CASE WHEN place <= left_over THEN 1 ELSE 0 END)
        AS amount_micro
FROM (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY pool_no ORDER BY remainder DESC, tie_no) AS place,
        ABS(pool_micro) - SUM(whole_micro) OVER (PARTITION BY pool_no) AS left_over
    FROM (
        SELECT
            *,
            CASE WHEN ABS(pool_micro) <= (4000000000000000000 // denominator)
                THEN (ABS(pool_micro) * numerator) // denominator
                ELSE CAST((CAST(ABS(pool_micro) AS HUGEINT) * numerator) // denominator AS BIGINT)
            END AS whole_micro,
            CASE WHEN ABS(pool_micro) <= (4000000000000000000 // denominator)
                THEN (ABS(pool_micro) * numerator) % denominator
                ELSE CAST((CAST(ABS(pool_micro) AS HUGEINT) * numerator) % denominator AS BIGINT)
            END AS remainder
        FROM (
            SELECT
                p.pool_no,
                p.book_no,
                p.thing_no,
                p.amount_micro AS pool_micro,
                t.right_no,
                t.reason_no,
                t.party_no,
                t.claim_no,
                t.tie_no,
                r.parts * t.parts AS numerator,
                r.whole * t.whole AS denominator
            FROM pools AS p
            JOIN rule_parts AS r ON r.rule_no = p.rule_no
            JOIN terms AS t ON t.cell_no = p.cell_no AND t.right_no = r.right_no
        ) AS fractions
    ) AS rounded_down
) AS ranked
