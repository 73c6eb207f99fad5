-- The spans between a request and its calls, each with the one above it: internal ones, second looks at a request, and clients around clients.
SELECT spans.s AS s, spans.p AS p, spans.svc AS svc FROM (SELECT deep.t AS t FROM deep GROUP BY deep.t) AS traces
JOIN spans ON spans.t = traces.t
LEFT JOIN entries ON entries.s = spans.s
WHERE spans.p IS NOT NULL AND entries.s IS NULL
