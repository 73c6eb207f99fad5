-- How each callee failed a request: what its span says; else that the caller gave up at the limit found; else that nothing of it was
-- recorded though its requests are. Modes: 1 error, 2 timeout, 3 unreachable.
SELECT broken.owner AS owner, broken.caller AS caller, broken.w AS w, broken.of_ AS of_, broken.callee AS callee, broken.calls AS calls,
  CASE WHEN broken.said > 1 THEN broken.said WHEN broken.d >= limits.low_ns AND broken.d < limits.high_ns AND (broken.seen = 0 OR broken.outlasted = 1) THEN 2
    WHEN broken.seen = 0 AND recorded.svc IS NOT NULL THEN 3 ELSE 1 END AS mode
FROM broken
LEFT JOIN limits ON limits.caller = broken.caller AND limits.callee = broken.callee
LEFT JOIN recorded ON recorded.svc = broken.callee
WHERE broken.is_async = 0
