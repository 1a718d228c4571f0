-- Each pool, divided by largest remainder: whole micro-units first, then one more to those who lost most by rounding;
-- ties by party (numbered in order of id; who is nobody comes last), claim, right. A pool's fractions have one denominator.
SELECT
    pool_no,
    right_no,
    reason,
    party_no,
    claim_no,
    numerator,
    denominator,
    CASE WHEN amount_micro < 0 THEN -1 ELSE 1 END * (whole_micro + CASE WHEN place <= left_over THEN 1 ELSE 0 END)
        AS amount_micro
FROM (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY pool_no ORDER BY remainder DESC, party_no, claim_no, right_no, reason) AS place,
        ABS(amount_micro) - SUM(whole_micro) OVER (PARTITION BY pool_no) AS left_over
    FROM (
        SELECT
            *,
            CASE WHEN ABS(amount_micro) <= (4000000000000000000 // denominator)
                THEN (ABS(amount_micro) * numerator) // denominator
                ELSE CAST((CAST(ABS(amount_micro) AS HUGEINT) * numerator) // denominator AS BIGINT)
            END AS whole_micro,
            CASE WHEN ABS(amount_micro) <= (4000000000000000000 // denominator)
                THEN (ABS(amount_micro) * numerator) % denominator
                ELSE CAST((CAST(ABS(amount_micro) AS HUGEINT) * numerator) % denominator AS BIGINT)
            END AS remainder
        FROM (
            SELECT
                p.pool_no,
                p.amount_micro,
                t.right_no,
                t.reason,
                t.party_no,
                t.claim_no,
                r.parts * t.parts AS numerator,
                r.whole * t.whole AS denominator
            FROM pools AS p
            JOIN rule_parts AS r ON r.rule_no = p.rule_no
            JOIN terms AS t ON t.cell_no = p.cell_no AND t.right_no = r.right_no
        ) AS fractions
    ) AS rounded_down
) AS ranked
