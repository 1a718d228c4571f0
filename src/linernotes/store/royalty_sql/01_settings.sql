-- The days that the usage spans, and whether any rule changes with the place, or with a day among them.
SELECT
    d.first_day,
    d.last_day,
    COUNT(CASE WHEN NOT r.is_world THEN 1 END) > 0 AS by_place,
    COUNT(CASE WHEN r.valid_from > d.first_day AND r.valid_from <= d.last_day
        OR r.valid_to > d.first_day AND r.valid_to <= d.last_day THEN 1 END) > 0 AS by_day
FROM (SELECT MIN(used_on) AS first_day, MAX(used_on) AS last_day FROM usage) AS d
CROSS JOIN rules AS r
GROUP BY d.first_day, d.last_day
