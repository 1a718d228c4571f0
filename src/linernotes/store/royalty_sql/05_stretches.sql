-- Days of a thing between which nothing changes: a stretch is numbered by how many changes lie before it.
SELECT d.thing_no, d.used_on, COUNT(c.changed_on) AS stretch
FROM (SELECT DISTINCT thing_no, used_on FROM heaps WHERE thing_no IS NOT NULL) AS d
LEFT JOIN changes AS c ON c.thing_no = d.thing_no AND c.changed_on <= d.used_on
GROUP BY d.thing_no, d.used_on
