-- What usage lines may call a thing, and whether territory or day make a difference to who has which share of it.
SELECT t.thing_no, t.isrc, t.sha256, t.by_place, c.thing_no IS NOT NULL AS by_day
FROM things AS t
LEFT JOIN (
    SELECT DISTINCT changes.thing_no
    FROM changes
    JOIN settings AS s ON changes.changed_on > s.first_day AND changes.changed_on <= s.last_day
) AS c ON c.thing_no = t.thing_no
