-- Arrivals without a client around the call, beside the service of the span they stand under.
SELECT arrivals.s AS s, arrivals.p AS p, arrivals.ts AS ts, arrivals.d AS d, arrivals.svc AS svc, arrivals.name AS name,
  arrivals.k AS k, arrivals.f AS f, parent.svc AS psvc
FROM (SELECT met.s AS s FROM met WHERE met.caller IS NULL GROUP BY met.s) AS above
JOIN spans AS parent ON parent.s = above.s
JOIN arrivals ON arrivals.p = above.s
