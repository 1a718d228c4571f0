-- What is divided at once and rounded once; cell_no says which shares hold there.
SELECT
    ROW_NUMBER() OVER (ORDER BY usage_period, currency, thing_no, rule_no, territory, stretch) AS pool_no,
    DENSE_RANK() OVER (ORDER BY thing_no, territory, stretch) AS cell_no,
    usage_period,
    currency,
    thing_no,
    rule_no,
    territory,
    stretch,
    on_day,
    amount_micro
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
) AS gathered
