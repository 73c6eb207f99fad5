-- The callees that failed a request in the end, retries counted, and by how many calls that differ in name.
SELECT failures.owner AS owner, failures.caller AS caller, failures.callee AS callee, failures.is_async AS is_async,
  COUNT(*) AS calls, CAST(FLOOR(MAX(failures.ots) / 300000000000.0) AS BIGINT) AS w, MAX(failures.of_) AS of_,
  MAX(failures.said) AS said, MAX(failures.d) AS d, MAX(failures.seen) AS seen, MAX(failures.outlasted) AS outlasted
FROM failures WHERE failures.good_ns IS NULL OR failures.good_ns < failures.failed_ns - 1000000
GROUP BY failures.owner, failures.caller, failures.callee, failures.is_async
