-- Edges alone, without the requests behind them: calls, and how many of them failed.
SELECT owned.caller AS caller, owned.callee AS callee, owned.is_async AS is_async, COUNT(*) AS calls,
  SUM(CASE WHEN owned.f IN (1, 2, 3) THEN 1 ELSE 0 END) AS errors
FROM owned GROUP BY owned.caller, owned.callee, owned.is_async
