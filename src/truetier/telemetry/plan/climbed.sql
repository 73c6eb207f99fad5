-- One round of climbing: each span's parent is replaced by that one's parent, as long as it stays in the service. Rounds double the distance.
SELECT low.s AS s, COALESCE(high.p, low.p) AS p, low.svc AS svc, CASE WHEN high.p IS NULL THEN 0 ELSE 1 END AS moved
FROM below AS low LEFT JOIN below AS high ON high.s = low.p AND high.svc = low.svc
