-- Of each request, its calls to one callee: attempts, and how many of them failed.
SELECT owned.t AS t, owned.owner AS owner, owned.caller AS caller, owned.callee AS callee, owned.is_async AS is_async,
  COUNT(*) AS calls, SUM(CASE WHEN owned.f IN (1, 2, 3) THEN 1 ELSE 0 END) AS errors,
  SUM(CASE WHEN owned.f = 4 THEN 1 ELSE 0 END) AS unrecorded,
  SUM(CASE WHEN owned.f = 0 AND owned.ef IN (1, 2, 3) THEN 1 ELSE 0 END) AS swallowed,
  MIN(owned.ts) AS first_ns, MAX(owned.ts) AS last_ns, MAX(owned.ots) AS ots, MAX(owned.of_) AS of_
FROM owned GROUP BY owned.t, owned.owner, owned.caller, owned.callee, owned.is_async
