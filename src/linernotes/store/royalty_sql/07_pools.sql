-- What is divided at once and rounded once: all that a cell brought under one rule, in one of the books.
SELECT CAST(ROW_NUMBER() OVER (ORDER BY cell_no, book_no, rule_no) AS INTEGER) AS pool_no, *
FROM (
    SELECT c.cell_no, b.book_no, o.rule_no, h.thing_no, CAST(SUM(h.amount_micro) AS BIGINT) AS amount_micro
    FROM heaps AS h
    JOIN things AS t ON t.thing_no = h.thing_no
    JOIN cells AS c
        ON c.thing_no = h.thing_no
        AND c.place = CASE WHEN t.by_place THEN h.territory ELSE '' END
        AND c.used_on = h.used_on
    JOIN occasions AS o ON o.use_type = h.use_type AND o.territory = h.territory AND o.used_on = h.used_on
    JOIN books AS b ON b.usage_period = h.usage_period AND b.currency = h.currency
    GROUP BY 1, 2, 3, 4
) AS gathered
