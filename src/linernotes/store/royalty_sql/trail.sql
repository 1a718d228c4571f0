-- Every usage line with the pool that it went into; the same words as in the heaps and pools, line by line.
-- A report is told by number here: its name is long, and all of it is sorted.
SELECT p.pool_no, l.territory, l.source, r.report_no, l.line, l.amount_micro, l.quantity
FROM (
    SELECT
        u.*,
        COALESCE(by_isrc.thing_no, by_sha256.thing_no) AS thing_no,
        COALESCE(by_isrc.by_place, by_sha256.by_place, FALSE) AS thing_by_place,
        CASE WHEN n.use_type IS NULL THEN '' ELSE u.use_type END AS used_as,
        CASE WHEN s.by_place OR COALESCE(by_isrc.by_place, by_sha256.by_place, FALSE) THEN u.territory ELSE '' END
            AS place,
        CASE WHEN s.by_day OR COALESCE(by_isrc.by_day, by_sha256.by_day, FALSE) THEN u.used_on ELSE s.first_day END
            AS on_day
    FROM usage AS u
    CROSS JOIN settings AS s
    LEFT JOIN names AS by_isrc ON by_isrc.isrc = u.isrc
    LEFT JOIN names AS by_sha256 ON by_isrc.thing_no IS NULL AND by_sha256.sha256 = u.upload_sha256
    LEFT JOIN named_uses AS n ON n.use_type = u.use_type
) AS l
JOIN cells AS c
    ON c.thing_no = l.thing_no AND c.place = CASE WHEN l.thing_by_place THEN l.place ELSE '' END AND c.used_on = l.on_day
JOIN occasions AS o ON o.use_type = l.used_as AND o.territory = l.place AND o.used_on = l.on_day
JOIN report_names AS r ON r.report_id = l.report_id
JOIN books AS b ON b.usage_period = l.period AND b.currency = l.currency
JOIN pools AS p ON p.cell_no = c.cell_no AND p.book_no = b.book_no AND p.rule_no = o.rule_no
ORDER BY p.pool_no, r.report_no, l.line
