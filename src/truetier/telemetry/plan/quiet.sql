-- Requests to a service of which nothing they waited for had failed: those that fail are the service's own.
SELECT entries.svc AS svc, CAST(FLOOR(entries.ts / 300000000000.0) AS BIGINT) AS w, COUNT(*) AS n,
  SUM(CASE WHEN entries.f IN (1, 2, 3) THEN 1 ELSE 0 END) AS failed, SUM(CASE WHEN entries.f = 4 THEN 1 ELSE 0 END) AS unrecorded
FROM entries
LEFT JOIN (SELECT broken.owner AS owner FROM broken WHERE broken.is_async = 0 GROUP BY broken.owner) AS hurt
ON hurt.owner = entries.s
WHERE hurt.owner IS NULL
GROUP BY entries.svc, CAST(FLOOR(entries.ts / 300000000000.0) AS BIGINT)
