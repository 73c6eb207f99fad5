"""What ``truetier init`` writes: a small fleet that checks cleanly and shows how things are said."""

STARTER = """\
# A truetier catalog: what each service promises, what it needs, and what happens when a need fails.
# Replace the services below by yours, then run: truetier check
# Every key is explained in docs/catalog.md; `truetier schema` writes a JSON Schema for editors.
version: 1

services:
  shop:
    tier: T2                  # the promise: T0 99.999%, T1 99.99%, T2 99.9%, T3 99%, T4 none
    availability: 99.98%      # own: how often it works, given that all it needs works; default: the promise
    owner: web                # the team that answers for it
    budget: 2s                # the time one request may take here
    needs:                    # a need is hard, sync and at serve unless it says otherwise
      - accounts
      - payments
      # Soft: the shop survives without it. That takes a timeout and a fallback: static, cached or stand-in;
      # verified says which test has shown it to work.
      - {service: recommendations, timeout: 200ms, fallback: static, verified: {by: game-day, on: 2025-06-02}}
      # The last prices are good enough for four hours.
      - service: prices
        timeout: 300ms
        fallback: {kind: cached, staleness: 4h}
        verified: {by: game-day, on: 2025-06-02}
      # Async: nobody waits for the answer, but the queue must take the message.
      - {service: mailer, mode: async, broker: queue}
      # Needed only to start, not to serve.
      - {service: configuration, phase: start}

  accounts:
    tier: T2
    owner: identity
    placement:                # where the copies run; a path such as eu-west/a is inside eu-west
      copies: {eu-west/a: 1, eu-west/b: 1, eu-west/c: 1}
      availability: 99.9%     # of one copy, alone; how many may fail follows from the domains
      common_cause: 5%        # the share of a copy's downtime that takes all copies down
      need: 1                 # how many copies carry the load

  payments:
    tier: T2
    availability: 99.99%
    owner: payments
    needs:
      - any_of: [card-network-a, card-network-b]   # k of n: {k: 2, of: [a, b, c]}

  # Not ours: state what they deliver.
  card-network-a: {tier: T2, availability: 99.9%, external: true, owner: payments}
  card-network-b: {tier: T2, availability: 99.9%, external: true, owner: payments}

  # T4 promises nothing: nobody fails when these do.
  recommendations: {tier: T4, availability: 99%, owner: discovery}
  prices:          {tier: T4, availability: 99.8%, owner: discovery}
  mailer:          {tier: T4, availability: 99.5%, owner: messaging}
  queue:           {tier: T2, availability: 99.99%, owner: messaging}
  configuration:   {tier: T2, owner: platform}

# Failure domains: what fails as one. Without an availability a domain is not counted, and the report says so.
domains:
  eu-west: {kind: region}

# What users see. It succeeds when everything in the list works.
journeys:
  buy: {tier: T2, succeeds: [shop], users: 80%}

# Accepted exceptions to a rule, each with an owner, a reason and a last day:
# waivers:
#   - {rule: inversion, subject: shop -> accounts, owner: web, reason: "migration ends in March", expires: 2027-03-31}

# The tier table can be changed and extended, strictest first; these are the built-in rows:
# policy:
#   tiers: {T0: {target: 99.999%}, T1: {target: 99.99%}, T2: {target: 99.9%}, T3: {target: 99%}, T4: {}}
"""
