"""The mining plan: steps in the order of mining.py, each one SELECT whose result has the file's name.

The dialect is small on purpose, so that every engine reads the same text and gives the same rows: joins, GROUP BY, CASE, COALESCE,
FLOOR and LN; no windows, no lists, no approximate quantiles, every column named. All results are sums, so those of two parts of the
traces add up.

Letters: t trace, s span and p parent (the same number is the same span in whatever trace), ts start and d duration in nanoseconds,
w five minutes, svc, peer and name numbers of names, k kind,
f outcome. Kinds: 1 server, 2 consumer, 3 client, 4 producer, 5 internal, 6 unknown. Outcomes: 0 good, 1 error, 2 timeout, 3 unreachable,
4 unrecorded.
"""
