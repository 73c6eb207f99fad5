-- Of each request, its calls to one callee: attempts, and how many of them failed.
SELECT owned.owner AS owner, owned.caller AS caller, owned.callee AS callee, owned.is_async AS is_async,
  owned.ots AS ots, owned.of_ AS of_, COUNT(*) AS calls, SUM(CASE WHEN owned.f IN (1, 2, 3) THEN 1 ELSE 0 END) AS errors
FROM owned GROUP BY owned.owner, owned.caller, owned.callee, owned.is_async, owned.ots, owned.of_
