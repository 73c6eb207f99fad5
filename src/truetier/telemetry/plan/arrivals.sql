-- Spans of servers and consumers.
SELECT spans.s AS s, spans.p AS p, spans.ts AS ts, spans.d AS d, spans.svc AS svc, spans.name AS name, spans.k AS k, spans.f AS f
FROM spans WHERE spans.k IN (1, 2)
