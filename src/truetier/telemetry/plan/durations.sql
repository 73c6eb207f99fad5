-- How long calls took: buckets 7 % wide, so that any quantile is right within 3.6 %. Failed: how the call failed, nought where it did not.
-- Swallowed: the callee failed, and the client does not say so.
SELECT owned.caller AS caller, owned.callee AS callee, owned.is_async AS is_async,
  CASE WHEN owned.f IN (1, 2, 3) THEN owned.f ELSE 0 END AS f, owned.seen AS seen,
  CASE WHEN owned.ed >= owned.d THEN 1 ELSE 0 END AS outlasted,
  CAST(FLOOR(14 * LN(CASE WHEN owned.d < 1 THEN 1 ELSE owned.d END) + 0.123) AS BIGINT) AS bucket, COUNT(*) AS n,
  SUM(CASE WHEN owned.f = 0 AND owned.ef IN (1, 2, 3) THEN 1 ELSE 0 END) AS swallowed, MIN(owned.ts) AS first_ns, MAX(owned.ts) AS last_ns
FROM owned
GROUP BY owned.caller, owned.callee, owned.is_async, CASE WHEN owned.f IN (1, 2, 3) THEN owned.f ELSE 0 END, owned.seen,
  CASE WHEN owned.ed >= owned.d THEN 1 ELSE 0 END, CAST(FLOOR(14 * LN(CASE WHEN owned.d < 1 THEN 1 ELSE owned.d END) + 0.123) AS BIGINT)
