-- Those of a caller in five minutes by that set.
SELECT hurt.caller AS caller, hurt.w AS w, hurt.a AS a, hurt.b AS b, COUNT(*) AS n,
  SUM(CASE WHEN hurt.of_ IN (1, 2, 3) THEN 1 ELSE 0 END) AS failed, SUM(CASE WHEN hurt.of_ = 4 THEN 1 ELSE 0 END) AS unrecorded
FROM hurt GROUP BY hurt.caller, hurt.w, hurt.a, hurt.b
