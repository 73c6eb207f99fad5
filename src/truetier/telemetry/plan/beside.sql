-- Whom else the requests asked of which a callee failed: one that is asked then alone is what they fall back to.
SELECT broken.caller AS caller, broken.callee AS failed, requests.callee AS asked, COUNT(*) AS n
FROM broken JOIN requests ON requests.owner = broken.owner
WHERE requests.callee <> broken.callee
GROUP BY broken.caller, broken.callee, requests.callee
