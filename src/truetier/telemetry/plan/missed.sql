-- What logs say: requests of a caller that failed since it found no instance of a service.
SELECT spans.svc AS caller, missing.callee AS callee, CAST(FLOOR(spans.ts / 300000000000.0) AS BIGINT) AS w, COUNT(*) AS n
FROM (SELECT said.skey AS s, whom.id AS callee FROM said JOIN names AS whom ON whom.name = said.callee GROUP BY said.skey, whom.id) AS missing
JOIN spans ON spans.s = missing.s
GROUP BY spans.svc, missing.callee, CAST(FLOOR(spans.ts / 300000000000.0) AS BIGINT)
