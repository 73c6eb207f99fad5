-- Requests to each service by name; those that nobody recorded a caller of begin something: a journey, a job.
SELECT entries.svc AS svc, entries.name AS name, CASE WHEN entries.p IS NULL THEN 1 ELSE 0 END AS is_root, COUNT(*) AS n,
  SUM(CASE WHEN entries.f IN (1, 2, 3) THEN 1 ELSE 0 END) AS failed, SUM(CASE WHEN entries.f = 4 THEN 1 ELSE 0 END) AS unrecorded
FROM entries GROUP BY entries.svc, entries.name, CASE WHEN entries.p IS NULL THEN 1 ELSE 0 END
