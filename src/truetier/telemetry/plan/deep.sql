-- Calls made below a span that is no request, though it was recorded, and whose that is. Stray: it is of another service, and no client.
SELECT spans.t AS t, direct.s AS s, spans.svc AS psvc, CASE WHEN spans.svc <> direct.caller AND spans.k NOT IN (3, 4) THEN 1 ELSE 0 END AS stray
FROM direct JOIN spans ON spans.s = direct.p WHERE direct.owner IS NULL
