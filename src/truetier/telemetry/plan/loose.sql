-- Arrivals without a client around the call, beside the service of the span they stand under.
SELECT alone.t AS t, alone.s AS s, alone.p AS p, alone.ts AS ts, alone.d AS d, alone.svc AS svc, alone.name AS name, alone.k AS k, alone.f AS f,
  parent.svc AS psvc
FROM (SELECT arrivals.t AS t, arrivals.s AS s, arrivals.p AS p, arrivals.ts AS ts, arrivals.d AS d, arrivals.svc AS svc, arrivals.name AS name,
        arrivals.k AS k, arrivals.f AS f
      FROM arrivals LEFT JOIN clients ON clients.t = arrivals.t AND clients.s = arrivals.p
      WHERE clients.t IS NULL AND arrivals.p IS NOT NULL) AS alone
JOIN spans AS parent ON parent.t = alone.t AND parent.s = alone.p
