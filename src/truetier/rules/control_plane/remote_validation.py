"""TT501: a service that asks another one, at nearly every request, whether the request is allowed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.catalog.model import Plane
from truetier.catalog.observed import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.observed import ObservedEdge
    from truetier.graph.hardness import Use

_OFTEN = 0.5  # of the caller's requests
_LEAST_CALLS = 100
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
# What such services are called, whatever else is in the name.
_VALIDATES = re.compile(
    r"o?auth(n|z|entication|orization|enticator|orizer|service|server|svc|d)?|oidc|iam|idp|sso|tokens?|jwks?|introspection|"
    r"permissions?|entitlements?|acl|opa|quotas?|ratelimit(er|s)?|throttl(e|er|ing)|licen[cs](e|es|ing)"
)


class RemoteValidation(Rule):
    """A service of the data plane was seen to ask who may do what, remotely, at half its requests or more."""

    code = "TT501"
    severity = Severity.WARNING
    title = "requests are validated by asking another service each time"
    why = (
        "Who may do what changes rarely and is asked all the time. A caller that asks remotely at every request is down whenever the "
        "service that answers is, and every caller of that service is so at once. A signed token, or a copy of the rules that is "
        "refreshed aside, answers the same on the spot. Told of callees that the catalog puts on the control plane or whose "
        "names say that they validate, when telemetry saw at least 100 synchronous calls, at half of the caller's requests or more, and "
        "no proof that the caller survives without."
    )
    fix = "validate on the spot: signed tokens with cached keys, or a last-known-good copy of the rules, refreshed aside"
    source = "Static stability using Availability Zones (Weiss and Furr, Amazon Builders' Library): no call from data to control plane"
    examples = (
        Example(
            """
version: 1
services:
  shop:         {tier: T1, needs: [auth-service, cart]}
  auth-service: {tier: T1}
  cart:         {tier: T1}
""",
            ("shop -> auth-service",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "auth-service", "kind": "sync", "calls": 9000, "errors": 0, "share": 0.98},
  {"caller": "shop", "callee": "cart", "kind": "sync", "calls": 9000, "errors": 0, "share": 1.0}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop:  {tier: T1, needs: [rules]}
  rules: {tier: T1, plane: control}
""",
            ("shop -> rules",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "rules", "kind": "sync", "calls": 900, "errors": 0, "share": 0.6}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop:           {tier: T1, needs: [auth-service, author-service]}
  auth-service:   {tier: T1}
  author-service: {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "auth-service", "kind": "sync", "calls": 900, "errors": 0, "share": 0.02},
  {"caller": "shop", "callee": "author-service", "kind": "sync", "calls": 900, "errors": 0, "share": 0.9}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every such edge that was seen."""
        for (caller, callee), edge in facts.observed.items():
            if (
                edge.share is None
                or not _is_often(edge, edge.share)
                or edge.verdict is Verdict.SOFT
                or not _validates(facts, caller, callee)
            ):
                continue
            use = next(iter(facts.uses(caller, callee)), None)
            place = facts.fleet.services[caller].evidence.place if use is None else use.need.evidence.place
            yield Violation(
                edge.subject,
                f"{caller} asks {callee} at {edge.share:.0%} of its requests whether they are allowed ({edge.calls:,} calls seen)",
                place,
                (caller, callee),
                _lost(facts, use),
                fix=f"let {caller} decide on the spot what it asks {callee}: signed tokens with cached keys, or a copy of the rules",
            )


def _is_often(edge: ObservedEdge, share: float) -> bool:
    return not edge.is_async and edge.calls >= _LEAST_CALLS and share >= _OFTEN


def _validates(facts: Facts, caller: str, callee: str) -> bool:
    """Whether a service that serves asks one that decides."""
    services = facts.fleet.services
    if services[caller].plane is Plane.CONTROL:
        return False
    words = [word.lower() for word in _WORD.findall(callee)]
    pairs = [first + second for first, second in pairwise(words)]  # rate-limiter
    return services[callee].plane is Plane.CONTROL or any(map(_VALIDATES.fullmatch, (*words, *pairs)))


def _lost(facts: Facts, use: Use | None) -> float | None:
    return None if use is None or not use.is_hard else minutes_lost(facts, use)
