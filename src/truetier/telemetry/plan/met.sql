-- Every call that a client span tells of, with the request it became and the request it was made for, where that is the span right above:
-- to whoever answered, took the message, or is said to be called. Seen: whether the callee recorded it.
-- Beside them, without a caller, the spans above arrivals that are no clients, if they are spans at all.
SELECT COALESCE(clients.s, answer.p) AS s, clients.p AS p, clients.ts AS ts, clients.d AS d, clients.svc AS caller,
  COALESCE(answer.svc, linked.svc, clients.peer) AS callee, CASE WHEN clients.k = 4 OR answer.k = 2 THEN 1 ELSE 0 END AS is_async,
  clients.name AS name, clients.f AS f, answer.f AS ef, answer.d AS ed, CASE WHEN answer.p IS NULL THEN 0 ELSE 1 END AS seen,
  CASE WHEN owner.svc = clients.svc THEN owner.s END AS owner, CASE WHEN owner.svc = clients.svc THEN owner.ts END AS ots,
  CASE WHEN owner.svc = clients.svc THEN owner.f END AS of_
FROM clients
FULL JOIN (SELECT arrivals.p AS p, arrivals.d AS d, arrivals.svc AS svc, arrivals.k AS k, arrivals.f AS f
           FROM arrivals WHERE arrivals.p IS NOT NULL) AS answer ON answer.p = clients.s
LEFT JOIN arrivals AS owner ON owner.s = clients.p
LEFT JOIN linked ON linked.s = clients.s
