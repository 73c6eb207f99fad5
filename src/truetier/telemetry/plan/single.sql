-- Every span once. Of copies that differ the largest of each column counts: what was written last is the longest, and a failure is never lost.
SELECT raw.tkey AS tkey, raw.skey AS skey, raw.pkey AS pkey, raw.start_ns AS start_ns, raw.duration_ns AS duration_ns,
  raw.svc AS svc, raw.whom AS whom, raw.label AS label, raw.k AS k, raw.f AS f
FROM raw LEFT JOIN doubled ON doubled.s = raw.skey WHERE doubled.s IS NULL
UNION ALL
SELECT MIN(raw.tkey) AS tkey, raw.skey AS skey, MAX(raw.pkey) AS pkey, MIN(raw.start_ns) AS start_ns, MAX(raw.duration_ns) AS duration_ns,
  MAX(raw.svc) AS svc, MAX(raw.whom) AS whom, MAX(raw.label) AS label, MIN(raw.k) AS k, MAX(raw.f) AS f
FROM raw JOIN doubled ON doubled.s = raw.skey
GROUP BY raw.skey
