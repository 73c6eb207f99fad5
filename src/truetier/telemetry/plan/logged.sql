-- The same, with what logs say of spans that failed.
SELECT unlogged.t AS t, unlogged.s AS s, unlogged.p AS p, unlogged.ts AS ts, unlogged.d AS d, unlogged.svc AS svc, unlogged.peer AS peer, unlogged.name AS name, unlogged.k AS k,
  CASE WHEN by_log.s IS NOT NULL AND unlogged.f IN (0, 4) THEN 1 ELSE unlogged.f END AS f
FROM unlogged LEFT JOIN by_log ON by_log.s = unlogged.s
