"""What the services of the lab really do, and where that is not what their catalog says: the ground truth for inference.

A service fails by itself in a share of its requests, after its calls, so that it fails no more often while others are down.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from truetier.catalog.observed import Verdict

if TYPE_CHECKING:
    from truetier.telemetry.observation import EdgeEvidence, Observation


class Manner(StrEnum):
    """How the services of a lab call one another."""

    PLANTED = "planted"  # as their catalog says, but for what is planted below
    DECLARED = "declared"  # as their catalog says
    BREAKERS = "breakers"  # the same, with a circuit breaker on every call


OWN_FAILURES = {
    "storefront": 0.02,
    "search": 0.04,
    "checkout": 0.03,
    "account": 0.04,
    "catalog": 0.02,
    "reviews": 0.03,
    "recommendations": 0.04,
    "payments": 0.02,
    "pricing": 0.05,
    "fraud": 0.02,
    "stock": 0.02,
    "warehouse": 0.03,
    "ads": 0.04,
    "mailer": 0.02,
}
"""The share of its requests that each fails by itself. PostgreSQL and Redis are real and fail only by a fault."""

MASKED = frozenset({"pricing"})
"""Whose own failures all callers make good by asking again: as many as planted even where a lab is calm."""

FALLS_BACK_IN_NAME_ONLY = frozenset({("checkout", "fraud")})
"""Declared soft; the code that should answer instead raises."""

WAITS = {("search", "ads"): None, ("stock", "warehouse"): 0.9}
"""Seconds that the call really waits, longer than declared. None: for ever, so only the deadline of the whole request ends it."""

NEW_ITEMS = 0.03
"""The share of requests about something that no cache has seen: what a cached fallback does not cover."""

JOURNEYS = {"browse": "storefront", "search": "search", "buy": "checkout", "login": "account"}
"""Who serves each journey."""

PATIENCE = 2.0
"""Seconds after which a visitor leaves: longer than the deadline of any entry service."""


class Expected(NamedTuple):
    """What must be found of one edge: its verdict by the way the callee fails; and what makes it the class it is called."""

    caller: str
    callee: str
    planted: str
    modes: dict[str, Verdict]


def _hard(caller: str, callee: str, planted: str = "hard") -> Expected:
    return Expected(caller, callee, planted, {"unreachable": Verdict.HARD, "timeout": Verdict.HARD})


def _soft(caller: str, callee: str, planted: str) -> Expected:
    return Expected(caller, callee, planted, {"unreachable": Verdict.SOFT, "timeout": Verdict.SOFT})


EXPECTED = (
    _hard("storefront", "catalog"),
    _hard("search", "catalog"),
    _hard("checkout", "payments"),
    _hard("checkout", "stock"),
    _hard("catalog", "postgresql"),
    _hard("reviews", "redis"),
    _hard("payments", "postgresql"),
    _hard("account", "postgresql"),
    _hard("recommendations", "redis"),
    _hard("checkout", "redis", "broker of a queue"),
    _hard("storefront", "pricing", "retries that mask errors"),
    _hard("checkout", "pricing", "retries that mask errors"),
    _hard("checkout", "fraud", "soft in name only"),
    _soft("storefront", "recommendations", "soft, static fallback"),
    _soft("account", "redis", "soft, static fallback"),
    _soft("storefront", "reviews", "soft, cached fallback"),
    _soft("stock", "warehouse", "soft, but its timeout is longer than its caller waits"),
    Expected("search", "ads", "hang", {"unreachable": Verdict.SOFT, "timeout": Verdict.HARD}),
)
"""The planted classes that show in a verdict; the queue and the boot dependency show in other columns."""


def seen_as(observation: Observation, caller: str, callee: str) -> EdgeEvidence:
    """The calls of one to the other, whatever telemetry calls the callee. KeyError where none were seen."""
    names = {callee, f"{callee}/shop"}
    for edge in observation.edges:
        if edge.caller == caller and edge.callee in names and not edge.is_async:
            return edge
    raise KeyError((caller, callee))


def missed(observation: Observation) -> list[str]:
    """What was planted and not found, a line each."""
    lines = []
    for expected in EXPECTED:
        edge = seen_as(observation, expected.caller, expected.callee)
        for mode, verdict in expected.modes.items():
            found = edge.modes[mode]
            if found.verdict is not verdict:
                edge_text = f"{expected.caller} -> {expected.callee} ({expected.planted}), {mode}"
                lines.append(f"{edge_text}: {found.verdict.value}, not {verdict.value}, after {found.failed_calls} failed calls")
    return lines
