"""Success formulas as arrays of signals, sets and thresholds: what the kernel follows in time.

Theory. A signal fails or holds at every moment: a literal, or a threshold. A set holds when none of its signals fails, a
threshold when enough of its sets hold. Request draws have no time: they are made afresh by every request, so each way they can
fall is a world of its own, a formula over signals alone with the share of requests it concerns. Worlds of draws that nothing
connects stay apart (parts), and the shares of requests that parts lose are independent of one another.
A mechanism works or not for a whole outage: it is drawn anew whenever something fails that it may have to stand in for.
What may go wrong: one formula with many draws inside one another has too many worlds; it is then refused, with the reason.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from truetier.availability.events import EventKind
from truetier.availability.factors import ALWAYS, NEVER, bits
from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from truetier.availability.events import Event
    from truetier.availability.factors import Factors

MOST_WORLDS = 4096  # of one formula
MOST_CHANGES = 1_000_000  # outages of one component a year
_MICROSECONDS = 60_000_000  # a minute
_MECHANISMS = frozenset({EventKind.FALLBACK, EventKind.FAILOVER})


class Gate(NamedTuple):
    """What keeps a service down that has failed and waits to start.

    ``gate`` is the factor that its formula asks for. It closes where ``runs`` fails, and opens where that holds again together with
    ``starts``, what the service needs to start; or when people start it.
    """

    gate: int
    runs: int
    starts: int


class Network(NamedTuple):
    """Arrays for the kernel. What is called ``start`` says where the entries of each number begin in the array behind it."""

    # components; a mean outage below zero marks a gate
    down: array[float]
    mttr: array[float]
    gap: array[float]  # mean time up
    is_restless: array[int]  # up for a shorter time than down: its failures are drawn one by one
    mean_gap: float  # between failures of all others together
    chance: array[float]  # Walker's table over those
    alias: array[int]
    drawn_component: array[int]
    series_start: array[int]
    series: array[int]  # subjects that are down while the component is
    is_followed: array[int]  # something else looks at it, or it fails too often to be drawn with the others
    up_signal: array[int]  # -1: nothing looks at it
    aged_start: array[int]
    aged_component: array[int]
    aged_limit: array[float]
    aged_signal: array[int]  # -1 - signal where an old outage is what holds
    redraw_start: array[int]
    redraw: array[int]  # mechanisms drawn anew when the component fails
    mechanism_signal: array[int]
    mechanism_down: array[float]
    # formulas
    sets_start: array[int]  # by signal
    sets: array[int]
    users_start: array[int]  # by set
    users: array[int]  # a threshold's signal, or -1 - world
    slack: array[int]  # by signal: how many sets of a threshold may fail
    world_part: array[int]
    world_set: array[int]
    world_weight: array[float]
    part_subject: array[int]
    worlds_start: array[int]  # by part
    parts_start: array[int]  # by subject; a series of components has none
    gate: array[int]  # by gate: the component, and the signals that close it and keep it closed
    stops: array[int]
    starts: array[int]
    # while everything works
    fails: array[int]  # by signal
    missing: array[int]  # by set: how many of its signals fail
    lacking: array[int]  # by signal: how many sets of a threshold fail


class _TooManyWorldsError(Exception):
    pass


def obstacle(factors: Factors, mask: int) -> str | None:
    """Why a formula cannot be followed in time; None where it can."""
    mask = factors.condensed(mask)
    mentioned = factors.mentioned(mask)
    for number in bits(mentioned & factors.unknown):
        return f"nobody knows how often {factors.literals[number].event.name} is down"
    for number in bits(mentioned & factors.plain):
        event = factors.literals[number].event
        if event.kind not in _MECHANISMS and _changes(event) > MOST_CHANGES:
            return f"{event.name} would fail more than {MOST_CHANGES:,} times a year: its mean outage is too short"
    try:
        _parts(factors, mask)
    except _TooManyWorldsError:
        return f"its conditions and endpoints can fall in more than {MOST_WORLDS:,} ways"
    return None


def network(factors: Factors, masks: Sequence[int], gates: Sequence[Gate] = ()) -> Network:
    """The arrays for formulas without an obstacle, one subject each."""
    return _Builder(factors, masks, gates).network()


def series_of(factors: Factors, mask: int) -> list[Event] | None:
    """The components that must all be up; None where the formula asks for anything else."""
    mask = factors.condensed(mask)
    if mask & ~(factors.plain & ~factors.unknown):
        return None
    events = [factors.literals[number].event for number in bits(mask)]
    return None if any(event.kind in _MECHANISMS for event in events) else events


def minutes(microseconds: int) -> float:
    """The duration in minutes."""
    return microseconds / _MICROSECONDS


def mean_up(event: Event) -> float:
    """Minutes between the end of an outage and the next, so that the component is down its share of the time."""
    assert event.down, "only what can be down is followed"
    return minutes(event.mttr) * (1.0 - event.down) / event.down


def _changes(event: Event) -> float:
    cycle = minutes(event.mttr) + mean_up(event)
    return MINUTES_PER_YEAR / cycle if cycle else float("inf")


# -- draws


def _parts(factors: Factors, mask: int) -> list[list[tuple[float, int]]]:
    """For each part the worlds in which it may fail: the share of requests, and what must then hold."""
    roots = sum(1 << root for root in factors.draws)
    core, groups = ALWAYS, list[tuple[int, int]]()
    for number in bits(mask):
        drawn = factors.mention[number] & roots
        if not drawn:
            core |= 1 << number
            continue
        joined = 1 << number
        apart = []
        for other, others_drawn in groups:
            if others_drawn & drawn:
                joined, drawn = joined | other, drawn | others_drawn
            else:
                apart.append((other, others_drawn))
        groups = [*apart, (joined, drawn)]
    parts = [[(1.0, core)]] if core != ALWAYS or not groups else []
    parts.extend(_worlds(factors, group, drawn) for group, drawn in sorted(groups))
    return parts


def _worlds(factors: Factors, mask: int, roots: int) -> list[tuple[float, int]]:
    worlds = {mask: 1.0}
    for root in bits(roots):
        found: dict[int, float] = {}
        for world, weight in worlds.items():
            if not factors.mentioned(world) >> root & 1:
                found[world] = found.get(world, 0.0) + weight
                continue
            for share, holds, fails in _outcomes(factors, root):
                given = factors.condensed(factors.given(world, holds, fails))
                found[given] = found.get(given, 0.0) + weight * share
            if len(found) > MOST_WORLDS:
                raise _TooManyWorldsError
        worlds = found
    return [(weight, world) for world, weight in worlds.items() if world != ALWAYS]


def _outcomes(factors: Factors, root: int) -> Iterator[tuple[float, int, int]]:
    """Each way a draw can fall: how often, which literals then hold, and which do not."""
    literals = factors.draws[root].literals
    everything = sum(1 << number for number, _ in literals)
    rest = 1 - sum(share for _, share in literals)
    for number, share in literals:
        yield float(share), everything & ~(1 << number), 1 << number
    if rest > 0:
        yield float(rest), everything, 0


# -- arrays


class _Builder:
    def __init__(self, factors: Factors, masks: Sequence[int], gates: Sequence[Gate]) -> None:
        self._factors = factors
        self._gates = frozenset(gate.gate for gate in gates)
        self._watched = [factors.condensed(mask) for gate in gates for mask in (gate.runs, gate.starts)]
        self._gate_roots = [gate.gate for gate in gates]
        self._series = [self._components_of_series(mask) for mask in masks]
        self._parts = [
            _parts(factors, factors.condensed(mask)) if series is None else [] for mask, series in zip(masks, self._series, strict=True)
        ]
        self._sets: dict[int, int] = {}
        for parts in self._parts:
            for worlds in parts:
                for _, world in worlds:
                    self._sets.setdefault(world, len(self._sets))
        for mask in self._watched:
            self._sets.setdefault(mask, len(self._sets))
        self._literals, self._thresholds = self._reached()
        order = [*self._literals, *self._thresholds]
        self._signal = {number: index for index, number in enumerate(order)}
        self._first_watched = len(order)
        self._signals = len(order) + len(self._watched)
        literals = factors.literals
        reached = {literals[number].root for number in self._literals}
        roots = sorted(reached.union(self._gates, *(series or () for series in self._series)))
        self._components = [root for root in roots if literals[root].event.kind not in _MECHANISMS]
        self._mechanisms = [root for root in roots if literals[root].event.kind in _MECHANISMS]

    def _components_of_series(self, mask: int) -> list[int] | None:
        """The components that must all be up; None where there is more to it."""
        mask = self._factors.condensed(mask)
        found = list(bits(mask))
        if mask & ~self._factors.plain or not self._gates.isdisjoint(found):
            return None
        return None if any(self._factors.literals[number].event.kind in _MECHANISMS for number in found) else found

    def _reached(self) -> tuple[list[int], list[int]]:
        """The literals and the thresholds that the sets are made of, ascending; each threshold's sets become sets."""
        literals, thresholds = set[int](), set[int]()
        waiting = list(self._sets)
        for mask in waiting:  # grows
            for number in bits(mask & ~NEVER):
                if number in self._factors.literals:
                    literals.add(number)
                elif number not in thresholds:
                    thresholds.add(number)
                    for member in self._factors.thresholds[number][1]:
                        if member not in self._sets:
                            self._sets[member] = len(self._sets)
                            waiting.append(member)
        return sorted(literals), sorted(thresholds)

    def network(self) -> Network:
        chance, alias, drawn, mean_gap = self._choice()
        aged = self._all_aged()
        redraws = self._redraws()
        series = self._subjects_in_series()
        signals = [self._signal.get(root, -1) for root in self._components]
        users = self._users()
        fails, missing, lacking = self._while_all_works()
        literals = self._factors.literals
        mttr = [-1.0 if root in self._gates else minutes(literals[root].event.mttr) for root in self._components]
        parts = [part for subject in self._parts for part in subject]
        worlds = [(number, weight, mask) for number, part in enumerate(parts) for weight, mask in part]
        component = {root: number for number, root in enumerate(self._components)}
        return Network(
            down=_doubles(literals[root].event.down or 0.0 for root in self._components),
            mttr=_doubles(mttr),
            gap=_doubles(0.0 if root in self._gates else mean_up(literals[root].event) for root in self._components),
            is_restless=_ints(int(self._is_restless(root)) for root in self._components),
            mean_gap=mean_gap,
            chance=chance,
            alias=alias,
            drawn_component=drawn,
            series_start=_starts(series),
            series=_ints(number for entries in series for number in entries),
            is_followed=_ints(
                int(signal >= 0 or bool(ages) or self._is_restless(root) or root in self._gates)
                for root, signal, ages in zip(self._components, signals, aged, strict=True)
            ),
            up_signal=_ints(signals),
            aged_start=_starts(aged),
            aged_component=_ints(number for number, entries in enumerate(aged) for _ in entries),
            aged_limit=_doubles(limit for entries in aged for limit, _ in entries),
            aged_signal=_ints(signal for entries in aged for _, signal in entries),
            redraw_start=_starts(redraws),
            redraw=_ints(number for entries in redraws for number in entries),
            mechanism_signal=_ints(self._signal[root] for root in self._mechanisms),
            mechanism_down=_doubles(literals[root].event.down or 0.0 for root in self._mechanisms),
            sets_start=_starts(members := self._members()),
            sets=_ints(number for entries in members for number in entries),
            users_start=_starts(users),
            users=_ints(user for entries in users for user in entries),
            slack=_ints(self._slack()),
            world_part=_ints(number for number, _, _ in worlds),
            world_set=_ints(self._sets[mask] for _, _, mask in worlds),
            world_weight=_doubles(weight for _, weight, _ in worlds),
            part_subject=_ints(number for number, subject in enumerate(self._parts) for _ in subject),
            worlds_start=_starts(parts),
            parts_start=_starts(self._parts),
            gate=_ints(component[root] for root in self._gate_roots),
            stops=_ints(range(self._first_watched, self._signals, 2)),
            starts=_ints(range(self._first_watched + 1, self._signals, 2)),
            fails=fails,
            missing=missing,
            lacking=lacking,
        )

    def _is_restless(self, root: int) -> bool:
        event = self._factors.literals[root].event
        return root not in self._gates and event.down is not None and 0.5 < event.down < 1.0

    def _choice(self) -> tuple[array[float], array[int], array[int], float]:
        """Which component fails next: a table from which one of many is drawn in one step. Source: Walker 1977, Vose 1991."""
        drawn = [
            number
            for number, root in enumerate(self._components)
            if root not in self._gates and (self._factors.literals[root].event.down or 0.0) <= 0.5
        ]
        rates = [1.0 / mean_up(self._factors.literals[self._components[number]].event) for number in drawn]
        total = sum(rates)
        scaled = [rate * len(rates) / total for rate in rates]
        chance, alias = [1.0] * len(rates), list(range(len(rates)))
        small = [number for number, value in enumerate(scaled) if value < 1.0]
        large = [number for number, value in enumerate(scaled) if value >= 1.0]
        while small and large:
            less, more = small.pop(), large[-1]
            chance[less], alias[less] = scaled[less], more
            scaled[more] -= 1.0 - scaled[less]
            if scaled[more] < 1.0:
                small.append(large.pop())
        return _doubles(chance), _ints(alias), _ints(drawn), 1.0 / total if total else 0.0

    def _all_aged(self) -> list[list[tuple[float, int]]]:
        """For each component the ages at which somebody looks at it, and the signals that turn then."""
        found: dict[int, list[tuple[float, int]]] = {root: [] for root in self._components}
        for number in self._literals:
            literal = self._factors.literals[number]
            if literal.root != number:
                signal = self._signal[number]
                found[literal.root].append((minutes(literal.limit), -1 - signal if literal.outlasted else signal))
        return [sorted(found[root]) for root in self._components]

    def _subjects_in_series(self) -> list[list[int]]:
        """For each component the subjects that are down while it is."""
        at = {root: number for number, root in enumerate(self._components)}
        found: list[list[int]] = [[] for _ in self._components]
        for subject, series in enumerate(self._series):
            for root in series or ():
                found[at[root]].append(subject)
        return found

    def _redraws(self) -> list[list[int]]:
        """For each component the mechanisms that stand beside it in some threshold."""
        mechanism = {root: number for number, root in enumerate(self._mechanisms)}
        component = {root: number for number, root in enumerate(self._components)}
        all_mechanisms = sum(1 << root for root in self._mechanisms)
        all_components = sum(1 << root for root in self._components)
        beside: list[set[int]] = [set() for _ in self._components]
        for threshold in self._thresholds:
            standing = ALWAYS
            for mask in self._factors.thresholds[threshold][1]:
                standing |= mask & all_mechanisms
            if standing:
                for root in bits(self._factors.mention[threshold] & all_components):
                    beside[component[root]].update(mechanism[each] for each in bits(standing))
        return [sorted(found) for found in beside]

    def _members(self) -> list[list[int]]:
        """For each signal the sets it stands in."""
        found: list[list[int]] = [[] for _ in range(self._signals)]
        for mask, number in self._sets.items():
            for each in bits(mask & ~NEVER):
                found[self._signal[each]].append(number)
        return found

    def _users(self) -> list[list[int]]:
        """For each set the thresholds it is a member of, and the worlds it decides."""
        found: list[list[int]] = [[] for _ in self._sets]
        for threshold in self._thresholds:
            for mask in self._factors.thresholds[threshold][1]:
                found[self._sets[mask]].append(self._signal[threshold])
        for number, mask in enumerate(self._watched, self._first_watched):
            found[self._sets[mask]].append(number)
        world = 0
        for subject in self._parts:
            for part in subject:
                for _, mask in part:
                    found[self._sets[mask]].append(-1 - world)
                    world += 1
        return found

    def _slack(self) -> list[int]:
        thresholds = (self._factors.thresholds[number] for number in self._thresholds)
        return [0] * len(self._literals) + [len(sets) - required for required, sets in thresholds] + [0] * len(self._watched)

    def _while_all_works(self) -> tuple[array[int], array[int], array[int]]:
        fails: dict[int, bool] = {0: True}  # bit 0 never holds
        lacking = [0] * self._signals
        for number in self._literals:
            fails[number] = self._factors.literals[number].outlasted
        for number in self._thresholds:
            required, sets = self._factors.thresholds[number]
            failing = sum(_has_failing(mask, fails) for mask in sets)
            lacking[self._signal[number]] = failing
            fails[number] = failing > len(sets) - required
        missing = [sum(fails[each] for each in bits(mask)) for mask in self._sets]
        signals = [int(fails[number]) for number in (*self._literals, *self._thresholds)]
        for number, mask in enumerate(self._watched, self._first_watched):
            lacking[number] = int(missing[self._sets[mask]] > 0)
            signals.append(lacking[number])
        return _ints(signals), _ints(missing), _ints(lacking)


def _has_failing(mask: int, fails: Mapping[int, bool]) -> bool:
    return any(fails[number] for number in bits(mask))


def _ints(values: Iterable[int]) -> array[int]:
    return array("i", values)


def _doubles(values: Iterable[float]) -> array[float]:
    return array("d", values)


def _starts(entries: Sequence[Sequence[object]]) -> array[int]:
    """Where the entries of each begin when all stand behind one another, and where the last ones end."""
    found = array("i", [0])
    for each in entries:
        found.append(found[-1] + len(each))
    return found
