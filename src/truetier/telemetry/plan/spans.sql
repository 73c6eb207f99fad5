-- What is worked with of each span.
SELECT single.tkey AS t, single.skey AS s, single.pkey AS p, single.start_ns AS ts, single.duration_ns AS d, single.svc AS svc,
  single.whom AS peer, single.label AS name, single.k AS k, single.f AS f
FROM single
