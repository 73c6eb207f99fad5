-- Calls that clients tell of, and those that show by an arrival alone: from whatever stands above it in another service. A request that was
-- looked at twice is known by the first look.
SELECT met.s AS s, met.p AS p, met.ts AS ts, met.d AS d, met.caller AS caller, met.callee AS callee, met.is_async AS is_async,
  met.name AS name, met.f AS f, met.ef AS ef, met.ed AS ed, met.seen AS seen,
  CASE WHEN again.s IS NULL THEN met.owner END AS owner, CASE WHEN again.s IS NULL THEN met.ots END AS ots,
  CASE WHEN again.s IS NULL THEN met.of_ END AS of_
FROM met
LEFT JOIN (SELECT loose.s AS s FROM loose WHERE loose.svc = loose.psvc) AS again ON again.s = met.owner
WHERE met.caller IS NOT NULL
UNION ALL
SELECT loose.s AS s, loose.p AS p, loose.ts AS ts, loose.d AS d, loose.psvc AS caller,
  loose.svc AS callee, CASE WHEN loose.k = 2 THEN 1 ELSE 0 END AS is_async,
  loose.name AS name, loose.f AS f, loose.f AS ef, loose.d AS ed, 1 AS seen,
  owner.s AS owner, owner.ts AS ots, owner.f AS of_
FROM loose
LEFT JOIN entries AS owner ON owner.s = loose.p AND owner.svc = loose.psvc
WHERE loose.svc <> loose.psvc
