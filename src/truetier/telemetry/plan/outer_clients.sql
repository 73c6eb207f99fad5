-- Clients around clients, as a library over HTTP makes them: they stand for the same call.
SELECT inner_call.p AS s, inner_call.caller AS caller FROM direct AS inner_call
JOIN direct AS outer_call ON outer_call.s = inner_call.p AND outer_call.caller = inner_call.caller
WHERE inner_call.owner IS NULL GROUP BY inner_call.p, inner_call.caller
