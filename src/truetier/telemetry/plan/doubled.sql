-- Spans that were delivered more than once, as at-least-once exporters do.
SELECT raw.tkey AS t, raw.skey AS s FROM raw GROUP BY raw.tkey, raw.skey HAVING COUNT(*) > 1
