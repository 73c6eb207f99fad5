-- What failed in the end, by edge, mode and five minutes: calls, and the requests that made them.
SELECT moded.caller AS caller, moded.callee AS callee, moded.mode AS mode, moded.w AS w, SUM(moded.calls) AS calls, COUNT(*) AS requests
FROM moded GROUP BY moded.caller, moded.callee, moded.mode, moded.w
