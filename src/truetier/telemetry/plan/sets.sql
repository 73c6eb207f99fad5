-- The members of each set, told by one request that had it.
SELECT witness.caller AS caller, witness.a AS a, witness.b AS b, moded.callee AS callee, moded.mode AS mode
FROM (SELECT hurt.caller AS caller, hurt.a AS a, hurt.b AS b, hurt.t AS t, MIN(hurt.owner) AS owner
      FROM hurt
      JOIN (SELECT hurt.caller AS caller, hurt.a AS a, hurt.b AS b, MIN(hurt.t) AS t FROM hurt GROUP BY hurt.caller, hurt.a, hurt.b) AS first_one
      ON first_one.caller = hurt.caller AND first_one.a = hurt.a AND first_one.b = hurt.b AND first_one.t = hurt.t
      GROUP BY hurt.caller, hurt.a, hurt.b, hurt.t) AS witness
JOIN moded ON moded.t = witness.t AND moded.owner = witness.owner AND moded.caller = witness.caller
GROUP BY witness.caller, witness.a, witness.b, moded.callee, moded.mode
