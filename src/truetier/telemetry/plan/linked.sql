-- Messages that work in another trace, or in another branch of this one, names by a link as what it came from; who does that work.
SELECT links.skey AS s, MIN(who.id) AS svc
FROM links JOIN names AS who ON who.name = links.service
GROUP BY links.skey
