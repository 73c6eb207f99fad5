"""Years of journeys and services, one after another: how much downtime differs, and how often promises are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.app.unknown_name import unknown_name
from truetier.availability.assess import deep_recursion
from truetier.availability.estimate import SubjectKind
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.simulation.boot import gated, gates_behind
from truetier.availability.simulation.network import obstacle
from truetier.availability.simulation.run import MOST_VALUES, Subject, run, run_with_gates
from truetier.availability.structure import Structure
from truetier.errors import UsageError
from truetier.graph.build import build
from truetier.graph.order import boot_order
from truetier.report.simulation import Named, Simulation, Unfollowed, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truetier.availability.simulation.network import Gate
    from truetier.availability.simulation.run import Plan
    from truetier.availability.structure import Bounds
    from truetier.catalog.model import Endpoint, Fleet, Service
    from truetier.graph.build import Graph


def simulate(
    paths: Sequence[str],
    *,
    names: Sequence[str],
    plan: Plan,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Simulated years of the fleet those paths describe: of the subjects named; of every journey; of what nobody needs.

    Raises CatalogError, SourceError, UsageError for a name that does not exist, and ModelError where simulation and exact value
    disagree.
    """
    from truetier.app.load import load_fleet

    return simulation_of(build(load_fleet(paths)), names=names, plan=plan, progress=progress)


def simulation_of(
    graph: Graph,
    *,
    names: Sequence[str],
    plan: Plan,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """The same for a graph that is already built."""
    with deep_recursion():
        return _simulation(graph, _chosen(graph, names), plan, progress)


def _simulation(graph: Graph, named: Sequence[Named], plan: Plan, progress: Callable[[int, int], None] | None) -> Simulation:
    factors, near = Factors(), dict[int, int]()
    structure = Structure(graph.fleet, graph.uses, factors, near)
    engine = Engine(factors, near)
    for name in structure.order:  # each set stands on one that was evaluated before
        engine.value(structure.up(name).low)
    subjects: list[Subject] = []
    followed: list[Named] = []
    unfollowed: list[Unfollowed] = []
    for each in named:
        bounds = _formula(structure, graph.fleet, each)
        value = engine.value(bounds.low)
        reason = "its cycle is too large to be solved" if bounds.low != bounds.high else obstacle(factors, bounds.low)
        if reason is None:
            followed.append(each)
            subjects.append(Subject(each.name, bounds.low, each.promise, value.down_low, value.down_high))
        else:
            unfollowed.append(Unfollowed(each.name, reason))
    if plan.years is not None and plan.years * len(subjects) > MOST_VALUES:
        at_most = MOST_VALUES // len(subjects)
        raise UsageError(
            f"{plan.years:,} years of {len(subjects):,} subjects are too many to keep; name fewer, or at most {at_most:,} years"
        )
    years = run(factors, subjects, plan, progress)
    waiting, doubt = _waiting(graph, structure, followed, plan._replace(years=years.years))
    if doubt:
        unfollowed.append(doubt)
    return Simulation(tuple(followed), years, plan, tuple(unfollowed), waiting)


def _waiting(graph: Graph, structure: Structure, named: Sequence[Named], plan: Plan) -> tuple[dict[str, Waiting], Unfollowed | None]:
    """The subjects that rest on a boot loop, in the same years with its members waiting to start; or why not."""
    members = [name for loop in boot_order(graph).loops for name in loop.members]
    if not members or not named:
        return {}, None
    factors = structure.factors
    behind, all_gates = gated(graph, structure, members)
    subjects: list[Subject] = []
    needed: dict[str, list[str]] = {}
    gates: dict[int, Gate] = {}
    for each in named:
        mask = _formula(behind, graph.fleet, each).low
        if found := gates_behind(factors, mask, all_gates):
            subjects.append(Subject(each.name, mask, each.promise, 0.0, 1.0))
            gates.update({gate.gate: gate for gate in found})
            needed[each.name] = [members[all_gates.index(gate)] for gate in found]
    for mask in (*(subject.mask for subject in subjects), *(mask for gate in gates.values() for mask in (gate.runs, gate.starts))):
        if (reason := obstacle(factors, mask)) is not None:
            return {}, Unfollowed("boot loops", reason)
    if not subjects:
        return {}, None
    masks = [(each, _formula(structure, graph.fleet, each).low) for each in named if each.name in needed]
    usual = [Subject(each.name, mask, each.promise, 0.0, 1.0) for each, mask in masks]
    waited = run_with_gates(factors, usual, subjects, list(gates.values()), plan)
    return {each.followed.subject.name: Waiting(each, tuple(needed[each.followed.subject.name])) for each in waited}, None


def _formula(structure: Structure, fleet: Fleet, named: Named) -> Bounds:
    match named.kind:
        case SubjectKind.SERVICE:
            return structure.up(named.name)
        case SubjectKind.JOURNEY:
            return structure.journey(fleet.journeys[named.name])
        case SubjectKind.ENDPOINT:
            service, endpoint = _endpoint(fleet, named.name)
            return structure.endpoint(service, endpoint)


def _endpoint(fleet: Fleet, name: str) -> tuple[Service, Endpoint]:
    return next(
        (service, endpoint)
        for service in fleet.services.values()
        for endpoint in service.endpoints
        if f"{service.name}/{endpoint.name}" == name
    )


def _chosen(graph: Graph, names: Sequence[str]) -> list[Named]:
    """The subjects of those names; of none: every journey, else every service that no other one needs."""
    known = list(_all_named(graph.fleet))
    if not names:
        journeys = [each for each in known if each.kind is SubjectKind.JOURNEY]
        services = [each for each in known if each.kind is SubjectKind.SERVICE]
        entries = [each for each in services if not any(edge.caller != each.name for edge in graph.callers[each.name])]
        return journeys or entries or services
    return [_named(known, name) for name in dict.fromkeys(names)]


def _named(known: Sequence[Named], name: str) -> Named:
    for each in known:
        if each.name == name:
            return each
    raise UsageError(unknown_name(name, [each.name for each in known]))


def _all_named(fleet: Fleet) -> Iterator[Named]:
    """Services first: where one shares its name with a journey, the name means the service, as everywhere."""
    for service in fleet.services.values():
        yield Named(service.name, SubjectKind.SERVICE, service.tier, fleet.promise(service))
    for journey in fleet.journeys.values():
        yield Named(journey.name, SubjectKind.JOURNEY, journey.tier, fleet.tier_promise(journey.tier))
    for service in fleet.services.values():
        for endpoint in service.endpoints:
            yield Named(f"{service.name}/{endpoint.name}", SubjectKind.ENDPOINT, endpoint.tier, fleet.tier_promise(endpoint.tier))
