-- Spans that were delivered more than once, as at-least-once exporters do.
SELECT raw.skey AS s FROM raw GROUP BY raw.skey HAVING COUNT(*) > 1
