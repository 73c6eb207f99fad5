-- Calls of requests that had a failed call to the same callee, in one logical call by name, with what tells how they failed.
-- A retry that succeeded masks a failure if it began after the failure ended; a millisecond is what clocks round.
SELECT owned.owner AS owner, owned.caller AS caller, owned.callee AS callee, owned.is_async AS is_async, owned.name AS name,
  MAX(owned.ots) AS ots, MAX(owned.of_) AS of_,
  MAX(CASE WHEN owned.f IN (1, 2, 3) THEN owned.ts + owned.d END) AS failed_ns,
  MAX(CASE WHEN owned.f NOT IN (1, 2, 3) THEN owned.ts END) AS good_ns,
  MAX(CASE WHEN owned.f IN (1, 2, 3) THEN owned.f END) AS said,
  MAX(CASE WHEN owned.f IN (1, 2, 3) THEN owned.d END) AS d,
  MAX(CASE WHEN owned.f IN (1, 2, 3) THEN owned.seen ELSE 0 END) AS seen,
  MAX(CASE WHEN owned.f IN (1, 2, 3) AND owned.ed >= owned.d THEN 1 ELSE 0 END) AS outlasted
FROM requests JOIN owned ON owned.owner = requests.owner AND owned.callee = requests.callee
WHERE requests.errors > 0
GROUP BY owned.owner, owned.caller, owned.callee, owned.is_async, owned.name
