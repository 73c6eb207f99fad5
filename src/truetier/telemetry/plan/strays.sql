-- All calls, with those that show only by what the callee called in turn: its client stands right under another service, and the request
-- between them was not recorded. How that request ended nobody knows.
SELECT direct.s AS s, direct.p AS p, direct.ts AS ts, direct.d AS d, direct.caller AS caller, direct.callee AS callee,
  direct.is_async AS is_async, direct.name AS name, direct.f AS f, direct.ef AS ef, direct.ed AS ed, direct.seen AS seen,
  direct.owner AS owner, direct.ots AS ots, direct.of_ AS of_
FROM direct
UNION ALL
SELECT direct.s AS s, direct.p AS p, direct.ts AS ts, direct.d AS d, deep.psvc AS caller, direct.caller AS callee,
  0 AS is_async, direct.name AS name, 4 AS f, 4 AS ef, direct.d AS ed, 1 AS seen,
  owner.s AS owner, owner.ts AS ots, owner.f AS of_
FROM direct JOIN deep ON deep.s = direct.s AND deep.stray = 1
LEFT JOIN entries AS owner ON owner.s = direct.p AND owner.svc = deep.psvc
WHERE direct.owner IS NULL
