-- Usage lines, gathered by what was used: no finer than who has which share can change.
-- A line is of the recording with its ISRC, else of the upload with its hash; thing_no is null where neither is known.
-- Territory and day stand only where they can make a difference: for that thing, or for the rule.
SELECT
    u.period AS usage_period,
    u.currency,
    COALESCE(by_isrc.thing_no, by_sha256.thing_no) AS thing_no,
    CASE WHEN n.use_type IS NULL THEN '' ELSE u.use_type END AS use_type,
    CASE WHEN s.by_place OR COALESCE(by_isrc.by_place, by_sha256.by_place, FALSE) THEN u.territory ELSE '' END
        AS territory,
    CASE WHEN s.by_day OR COALESCE(by_isrc.by_day, by_sha256.by_day, FALSE) THEN u.used_on ELSE s.first_day END
        AS used_on,
    CAST(SUM(u.amount_micro) AS BIGINT) AS amount_micro
FROM usage AS u
CROSS JOIN settings AS s
LEFT JOIN names AS by_isrc ON by_isrc.isrc = u.isrc
LEFT JOIN names AS by_sha256 ON by_isrc.thing_no IS NULL AND by_sha256.sha256 = u.upload_sha256
LEFT JOIN named_uses AS n ON n.use_type = u.use_type
GROUP BY 1, 2, 3, 4, 5, 6
