-- What was seen of each edge. Requests: those of the caller that made such a call. Masked: they had a failed call, and a retry made it good.
-- Good: none of its calls failed.
SELECT requests.caller AS caller, requests.callee AS callee, requests.is_async AS is_async,
  SUM(requests.calls) AS calls, SUM(requests.errors) AS errors,
  SUM(CASE WHEN requests.owner IS NULL THEN requests.calls ELSE 0 END) AS unowned,
  SUM(CASE WHEN requests.owner IS NULL THEN 0 ELSE 1 END) AS requests,
  SUM(CASE WHEN broken.owner IS NULL THEN 0 ELSE 1 END) AS broken,
  SUM(CASE WHEN broken.owner IS NULL AND requests.errors > 0 AND requests.owner IS NOT NULL THEN 1 ELSE 0 END) AS masked,
  SUM(CASE WHEN broken.owner IS NULL THEN 0 ELSE requests.calls END) AS broken_calls,
  SUM(CASE WHEN broken.owner IS NULL THEN 0 ELSE requests.errors END) AS broken_errors,
  SUM(CASE WHEN requests.errors > 0 OR requests.owner IS NULL THEN 0 ELSE requests.calls END) AS good_calls
FROM requests
LEFT JOIN broken ON broken.owner = requests.owner AND broken.callee = requests.callee AND broken.is_async = requests.is_async
GROUP BY requests.caller, requests.callee, requests.is_async
