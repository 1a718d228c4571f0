-- Which rule holds for each use, place and day that occurs: the most specific.
SELECT use_type, territory, used_on, rule_no
FROM (
    SELECT
        o.use_type,
        o.territory,
        o.used_on,
        r.rule_no,
        ROW_NUMBER() OVER (
            PARTITION BY o.use_type, o.territory, o.used_on
            ORDER BY r.is_general, r.size, r.valid_from DESC, r.rule_no DESC
        ) AS place
    FROM (SELECT DISTINCT use_type, territory, used_on FROM heaps WHERE thing_no IS NOT NULL) AS o
    JOIN rules AS r
        ON (r.is_general OR r.use_type = o.use_type)
        AND r.valid_from <= o.used_on
        AND o.used_on < r.valid_to
    LEFT JOIN places AS p ON p.code = r.territory AND p.country = o.territory
    WHERE r.is_world OR p.country IS NOT NULL
) AS ranked
WHERE place = 1
