-- Services that have spans at all: some only call.
SELECT spans.svc AS svc, COUNT(*) AS n FROM spans GROUP BY spans.svc
