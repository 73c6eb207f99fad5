"""What was learned of the lab from its telemetry, as distributions that predictions draw from.

The catalog gives names, journeys, attempts and deadlines; who is needed, and what a failure of each does, comes from `observe` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import beta

from truetier.app.load import load_fleet
from truetier.telemetry.noisy_or import PRIOR
from truetier_lab.place import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from truetier.catalog.model import Fleet, Service
    from truetier.catalog.observed import ObservedMode
    from truetier.telemetry.observation import EdgeEvidence, Observation

    Reals = NDArray[np.float64]

Edge = tuple[str, str]
_WEIGHTS = np.geomspace(1e7, 2 * PRIOR, 1000)  # of a belief, in requests; the heaviest that is wide enough is taken


class Known(NamedTuple):
    """What is known of one edge: shapes of a Beta distribution of the harm of each mode, and the seconds that the caller waits."""

    harm: Mapping[str, tuple[float, float]]
    limit: float
    attempts: int


class Evidence(NamedTuple):
    """All edges that serve requests, own failures as Beta distributions, and of callees that are always asked again, what comes through.

    ``budgets`` are the seconds within which a service must answer.
    """

    fleet: Fleet
    edges: Mapping[Edge, Known]
    own: Mapping[str, tuple[float, float]]
    comes_through: Mapping[str, tuple[float, float]]
    budgets: Mapping[str, float]


class Draw(NamedTuple):
    """One possible truth: the probability that each edge's callee harms its caller, by mode, and of each service to fail by itself."""

    harm: Mapping[tuple[str, str, str], float]
    own: Mapping[str, float]


def evidence_of(observation: Observation) -> Evidence:
    """What the observation of the lab's fleet gives, under the names of its catalog."""
    fleet = load_fleet((str(CATALOG),))
    names = {alias: service.name for service in fleet.services.values() for alias in (service.name, *service.aliases)}
    seen = {(names[edge.caller], names[edge.callee]): edge for edge in observation.edges if not edge.is_async and edge.requests}
    edges = {pair: _known(fleet.services[pair[0]], pair[1], edge) for pair, edge in seen.items()}
    own = {each.name: each.own for each in observation.services if each.own is not None}
    shapes = {name: (measured.failures, measured.successes) for name, measured in own.items()}
    through = {callee: shape for callee in {callee for _, callee in edges} if (shape := _through(callee, seen, edges)) is not None}
    return Evidence(fleet, edges, shapes, through, {name: _budget(service, edges) for name, service in fleet.services.items()})


def draws(evidence: Evidence, count: int, *, seed: int) -> list[Draw]:
    """Possible truths, each as likely as the evidence makes it."""
    chance = np.random.default_rng(seed)
    harm = {(*edge, mode): chance.beta(*shape, count) for edge, known in evidence.edges.items() for mode, shape in known.harm.items()}
    own = {name: chance.beta(*shape, count) for name, shape in evidence.own.items()}
    for name, shape in evidence.comes_through.items():
        own[name] = own[name] * chance.beta(*shape, count)
    return [
        Draw({key: float(values[number]) for key, values in harm.items()}, {name: float(values[number]) for name, values in own.items()})
        for number in range(count)
    ]


def _known(caller: Service, callee: str, edge: EdgeEvidence) -> Known:
    target = next((need.targets[0] for need in caller.needs if need.service == callee and need.at_serve), None)
    declared = None if target is None or target.timeout is None else target.timeout.total_seconds()
    budget = None if caller.budget is None else caller.budget.total_seconds()
    limit = (
        edge.limit_ns / 1e9 if edge.limit_ns is not None else declared if declared is not None else budget if budget is not None else np.inf
    )
    harm = {name: _shape(mode) for name, mode in edge.modes.items()}
    return Known(harm, limit, 1 if target is None else target.attempts)


def _shape(mode: ObservedMode) -> tuple[float, float]:
    """The Beta distribution with that mean and an interval as wide; the prior where nothing is known."""
    if mode.probability is None or mode.low is None or mode.high is None:
        return PRIOR, PRIOR
    low, high = beta.ppf(((0.025,), (0.975,)), mode.probability * _WEIGHTS, (1 - mode.probability) * _WEIGHTS)
    weight = float(_WEIGHTS[np.argmax(high - low >= mode.high - mode.low)])
    return mode.probability * weight, (1 - mode.probability) * weight


def _through(callee: str, seen: Mapping[Edge, EdgeEvidence], edges: Mapping[Edge, Known]) -> tuple[float, float] | None:
    """Of failures of the callee, the share that no further attempt made good; None where some caller asks but once.

    What a service fails by itself it fails anew at every attempt, so that its callers see less of it than it measures.
    """
    callers = [edge for edge in edges if edge[1] == callee]
    if any(edges[edge].attempts == 1 for edge in callers):
        return None
    failed = sum(seen[edge].modes["error"].failed_calls for edge in callers)
    return failed + 0.5, sum(seen[edge].masked for edge in callers) + 0.5


def _budget(service: Service, edges: Mapping[Edge, Known]) -> float:
    """What it states, else what the least patient of its callers waits."""
    if service.budget is not None:
        return service.budget.total_seconds()
    return min((known.limit for (_, callee), known in edges.items() if callee == service.name), default=float("inf"))
