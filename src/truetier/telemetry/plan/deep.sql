-- Calls made below a span that is no request, though it was recorded.
SELECT direct.t AS t, direct.s AS s FROM direct JOIN spans ON spans.t = direct.t AND spans.s = direct.p WHERE direct.owner IS NULL
