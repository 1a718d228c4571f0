-- What is divided at once and rounded once; cell_no says which shares hold there, book_no in which books it counts.
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY g.thing_no, g.territory, g.stretch, b.book_no, g.rule_no) AS INTEGER) AS pool_no,
    CAST(DENSE_RANK() OVER (ORDER BY g.thing_no, g.territory, g.stretch) AS INTEGER) AS cell_no,
    b.book_no,
    g.*
FROM (
    SELECT
        h.usage_period,
        h.currency,
        h.thing_no,
        o.rule_no,
        CASE WHEN t.by_place THEN h.territory ELSE '' END AS territory,
        d.stretch,
        MIN(h.used_on) AS on_day,
        CAST(SUM(h.amount_micro) AS BIGINT) AS amount_micro
    FROM heaps AS h
    JOIN things AS t ON t.thing_no = h.thing_no
    JOIN occasions AS o ON o.use_type = h.use_type AND o.territory = h.territory AND o.used_on = h.used_on
    JOIN stretches AS d ON d.thing_no = h.thing_no AND d.used_on = h.used_on
    GROUP BY 1, 2, 3, 4, 5, 6
) AS g
JOIN books AS b ON b.usage_period = g.usage_period AND b.currency = g.currency
