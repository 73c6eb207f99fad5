-- The same for calls made further below; a client that has a client of its own service below it makes no call itself.
SELECT direct.s AS s, direct.ts AS ts, direct.d AS d, direct.caller AS caller, direct.callee AS callee, direct.is_async AS is_async, direct.name AS name,
  direct.f AS f, direct.ef AS ef, direct.ed AS ed, direct.seen AS seen,
  COALESCE(direct.owner, entries.s) AS owner, COALESCE(direct.ots, entries.ts) AS ots, COALESCE(direct.of_, entries.f) AS of_
FROM direct
LEFT JOIN below ON below.s = direct.p AND direct.owner IS NULL AND below.svc = direct.caller
LEFT JOIN entries ON entries.s = below.p AND entries.svc = below.svc
LEFT JOIN outer_clients ON outer_clients.s = direct.s AND outer_clients.caller = direct.caller
WHERE outer_clients.s IS NULL
