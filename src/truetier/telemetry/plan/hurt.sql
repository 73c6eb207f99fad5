-- Requests that a callee failed, with the set of all that did, how each failed counted apart. A set is known by two sums of numbers drawn
-- for its members.
SELECT moded.owner AS owner, moded.caller AS caller, moded.w AS w, MAX(moded.of_) AS of_,
  SUM(members.a) AS a, SUM(members.b) AS b
FROM moded JOIN members ON members.callee = moded.callee AND members.mode = moded.mode
GROUP BY moded.owner, moded.caller, moded.w
