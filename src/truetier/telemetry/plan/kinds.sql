-- Kinds where the format has none: a root, or a span whose parent is in another service, is where a request comes in; the rest is internal.
SELECT child.t AS t, child.s AS s, child.p AS p, child.ts AS ts, child.d AS d, child.svc AS svc, child.peer AS peer, child.name AS name,
  CASE WHEN child.k <> 6 THEN child.k WHEN child.p IS NULL THEN 1 WHEN parent.svc <> child.svc THEN 1 ELSE 5 END AS k,
  child.f AS f
FROM unkind AS child LEFT JOIN unkind AS parent ON parent.s = child.p
