-- Where requests come in: arrivals, but for a server right under a span of its own service that is no client, which is a second look at the
-- same request: a proxy's and the program's.
SELECT arrivals.s AS s, arrivals.p AS p, arrivals.ts AS ts, arrivals.d AS d, arrivals.svc AS svc, arrivals.name AS name,
  arrivals.k AS k, arrivals.f AS f
FROM arrivals LEFT JOIN loose ON loose.s = arrivals.s AND loose.svc = loose.psvc
WHERE loose.s IS NULL
