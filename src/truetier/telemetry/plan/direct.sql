-- Every call, with the request it became and the request it was made for, where that is the span right above: from client spans, to whoever
-- answered, took the message, or is said to be called; and from whatever stands above an arrival of another service.
-- Seen: whether the callee recorded it.
SELECT clients.t AS t, clients.s AS s, clients.p AS p, clients.ts AS ts, clients.d AS d, clients.svc AS caller,
  COALESCE(answer.svc, linked.svc, clients.peer) AS callee, CASE WHEN clients.k = 4 OR answer.k = 2 THEN 1 ELSE 0 END AS is_async,
  clients.name AS name, clients.f AS f, answer.f AS ef, answer.d AS ed, CASE WHEN answer.t IS NULL THEN 0 ELSE 1 END AS seen,
  owner.s AS owner, owner.ts AS ots, owner.f AS of_
FROM clients
LEFT JOIN entries AS answer ON answer.t = clients.t AND answer.p = clients.s
LEFT JOIN entries AS owner ON owner.t = clients.t AND owner.s = clients.p AND owner.svc = clients.svc
LEFT JOIN linked ON linked.t = clients.t AND linked.s = clients.s
UNION ALL
SELECT loose.t AS t, loose.s AS s, loose.p AS p, loose.ts AS ts, loose.d AS d, loose.psvc AS caller,
  loose.svc AS callee, CASE WHEN loose.k = 2 THEN 1 ELSE 0 END AS is_async,
  loose.name AS name, loose.f AS f, loose.f AS ef, loose.d AS ed, 1 AS seen,
  owner.s AS owner, owner.ts AS ots, owner.f AS of_
FROM loose
LEFT JOIN entries AS owner ON owner.t = loose.t AND owner.s = loose.p AND owner.svc = loose.psvc
WHERE loose.svc <> loose.psvc
