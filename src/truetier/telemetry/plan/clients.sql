-- Spans of clients and producers.
SELECT spans.s AS s, spans.p AS p, spans.ts AS ts, spans.d AS d, spans.svc AS svc, spans.peer AS peer, spans.name AS name,
  spans.k AS k, spans.f AS f
FROM spans WHERE spans.k IN (3, 4)
