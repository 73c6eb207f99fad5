-- Requests that asked a callee while nothing they waited for failed: how often they fail all the same is what a failure of the callee
-- is held against. Those that failed before they asked are not among them.
SELECT requests.caller AS caller, requests.callee AS callee, CAST(FLOOR(requests.ots / 300000000000.0) AS BIGINT) AS w, COUNT(*) AS n,
  SUM(CASE WHEN requests.of_ IN (1, 2, 3) THEN 1 ELSE 0 END) AS failed, SUM(CASE WHEN requests.of_ = 4 THEN 1 ELSE 0 END) AS unrecorded
FROM requests
LEFT JOIN (SELECT broken.owner AS owner FROM broken WHERE broken.is_async = 0 GROUP BY broken.owner) AS hurt
ON hurt.owner = requests.owner
WHERE hurt.owner IS NULL AND requests.owner IS NOT NULL AND requests.is_async = 0
GROUP BY requests.caller, requests.callee, CAST(FLOOR(requests.ots / 300000000000.0) AS BIGINT)
