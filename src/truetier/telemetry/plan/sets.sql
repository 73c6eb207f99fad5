-- The members of each set, told by one request that had it.
SELECT witness.caller AS caller, witness.a AS a, witness.b AS b, moded.callee AS callee, moded.mode AS mode
FROM (SELECT hurt.caller AS caller, hurt.a AS a, hurt.b AS b, MIN(hurt.owner) AS owner FROM hurt GROUP BY hurt.caller, hurt.a, hurt.b) AS witness
JOIN moded ON moded.owner = witness.owner AND moded.caller = witness.caller
GROUP BY witness.caller, witness.a, witness.b, moded.callee, moded.mode
