-- Usage lines, gathered by what was used: no finer than who has which share can change.
-- Territory and day stand only where they can make a difference: for what the line names, or for the rule.
-- A heap is of the recording with its ISRC, else of the upload with its hash; thing_no is null where neither is known.
SELECT
    g.usage_period,
    g.currency,
    COALESCE(by_isrc.thing_no, by_sha256.thing_no) AS thing_no,
    g.use_type,
    g.territory,
    g.used_on,
    g.amount_micro
FROM (
    SELECT
        u.period AS usage_period,
        u.currency,
        u.isrc,
        u.upload_sha256,
        CASE WHEN n.use_type IS NULL THEN '' ELSE u.use_type END AS use_type,
        CASE WHEN s.by_place OR a.by_place OR b.by_place THEN u.territory ELSE '' END AS territory,
        CASE WHEN s.by_day OR a.by_day OR b.by_day THEN u.used_on ELSE s.first_day END AS used_on,
        CAST(SUM(u.amount_micro) AS BIGINT) AS amount_micro
    FROM usage AS u
    CROSS JOIN settings AS s
    LEFT JOIN (SELECT * FROM names WHERE by_place OR by_day) AS a ON a.isrc = u.isrc
    LEFT JOIN (SELECT * FROM names WHERE by_place OR by_day) AS b ON b.sha256 = u.upload_sha256
    LEFT JOIN named_uses AS n ON n.use_type = u.use_type
    GROUP BY 1, 2, 3, 4, 5, 6, 7
) AS g
LEFT JOIN names AS by_isrc ON by_isrc.isrc = g.isrc
LEFT JOIN names AS by_sha256 ON by_sha256.sha256 = g.upload_sha256
