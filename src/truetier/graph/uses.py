"""Every need of a fleet as it counts in one reading; those that are listed by columns count without being made."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, compress, count, repeat
from typing import TYPE_CHECKING

from truetier.catalog.listed import BARE, ListedNeeds
from truetier.catalog.model import Mode
from truetier.graph.hardness import Use, use_of, verified
from truetier.record import maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, timedelta

    from truetier.catalog.listed import Wording
    from truetier.catalog.model import Fleet, Service
    from truetier.graph.hardness import Weakness

_USE = maker(Use)
_BARE = use_of("", None, 0, BARE.sample, None)


class Uses(Mapping[str, tuple[Use, ...]]):
    """Every need of every service, all phases, as it counts; in file order.

    How a need counts follows from what it says and from how long its caller has, and few of a fleet differ in that. So of services
    whose needs are listed, ``columns`` holds for each need the number of a sample that counts as it does, a use of nobody; the uses
    are made when somebody asks for them. Sample 0 says nothing at all; ``bare`` are the services of which all needs count so, and
    ``told`` are the others.
    """

    __slots__ = ("_fleet", "_made", "bare", "columns", "samples", "told")

    def __init__(
        self, fleet: Fleet, samples: Sequence[Use], columns: Mapping[str, Sequence[int]], others: Mapping[str, tuple[Use, ...]]
    ) -> None:
        self._fleet = fleet
        self._made = dict(others)
        self.samples = samples
        self.columns = columns
        self.bare = frozenset([name for name, column in columns.items() if not any(column)])
        self.told = [name for name in fleet.services if name not in self.bare]

    def __getitem__(self, name: str) -> tuple[Use, ...]:
        found = self._made.get(name)
        if found is None:
            column = self.columns[name]
            needs = self._fleet.services[name].needs
            rests = zip(*[self.samples[number][4:] for number in column], strict=True)
            found = self._made[name] = tuple(map(_USE, zip(repeat(name), repeat(None), count(), needs, *rests, strict=False)))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._fleet.services

    def __iter__(self) -> Iterator[str]:
        return iter(self._fleet.services)

    def __len__(self) -> int:
        return len(self._fleet.services)

    @property
    def said(self) -> Iterator[Use]:
        """A use for each different thing that is said, and perhaps more."""
        return chain(self.samples, *[self[name] for name in self.told if name not in self.columns])

    def judge(self, holds: Callable[[Use], bool]) -> Callable[[str], Sequence[bool]]:
        """Tells of each use of a service whether that holds. It may look at how the need counts, not at who asks whom, nor where."""
        of_samples = list(map(holds, self.samples))

        def judged(name: str) -> Sequence[bool]:
            column = self.columns.get(name)
            return list(map(holds, self[name])) if column is None else list(map(of_samples.__getitem__, column))

        return judged

    def chosen(self, holds: Callable[[Use], bool]) -> Iterator[Use]:
        """The uses of which that holds, as in ``judge``, in file order."""
        judged = self.judge(holds)
        for name in self if holds(_BARE) else self.told:
            are_wanted = judged(name)
            if any(are_wanted):
                yield from compress(self[name], are_wanted)

    def verified(self, as_of: date) -> Uses:
        """The same needs with every unverified mitigation dropped."""
        samples = [verified(sample, as_of) for sample in self.samples]
        others = {name: tuple([verified(use, as_of) for use in self[name]]) for name in self.told if name not in self.columns}
        return Uses(self._fleet, samples, self.columns, others)


def trusting_uses(fleet: Fleet, budgets: Mapping[str, timedelta]) -> Uses:
    """The needs as they count when declarations are believed. ``budgets`` count for services that state none."""
    samples = _Samples()
    columns: dict[str, Sequence[int]] = {}
    others: dict[str, tuple[Use, ...]] = {}
    for name, service in fleet.services.items():
        needs = service.needs
        if service.endpoints or (needs and not isinstance(needs, ListedNeeds)):
            others[name] = _uses_of(service, _budget(service, budgets))
        elif not isinstance(needs, ListedNeeds) or needs.is_bare:
            columns[name] = bytes(len(needs))
        else:
            columns[name] = samples.column(needs, _budget(service, budgets))
    return Uses(fleet, samples.found, columns, others)


def _budget(service: Service, budgets: Mapping[str, timedelta]) -> timedelta | None:
    return service.budget if service.budget is not None else budgets.get(service.name)


def default_budgets(fleet: Fleet) -> dict[str, timedelta]:
    """For each service somebody waits for: the smallest timeout on a sync serve need or group member naming it."""
    smallest: dict[str, timedelta] = {}
    for service in fleet.services.values():
        for name, timeout in _timeouts(service):
            known = smallest.get(name)
            if timeout is not None and (known is None or timeout < known):
                smallest[name] = timeout
    return smallest


def _timeouts(service: Service) -> Iterable[tuple[str, timedelta | None]]:
    needs = service.needs
    if isinstance(needs, ListedNeeds) and not service.endpoints:
        return () if needs.is_bare else zip(needs.services, [wording.timeout for wording in needs.wordings], strict=True)
    return [
        (target.service, target.timeout)
        for need in service.all_needs
        if need.mode is not Mode.ASYNC and need.at_serve
        for target in need.targets
    ]


class _Samples:
    """The samples of a fleet, each once, however many different budgets there are."""

    def __init__(self) -> None:
        self.found = [_BARE]
        self._known: dict[tuple[Wording, Weakness | None], int] = {(BARE, None): 0}
        self._by_budget: dict[timedelta | None, dict[Wording, int]] = {}

    def column(self, needs: ListedNeeds, budget: timedelta | None) -> Sequence[int]:
        """For each of the needs the number of the sample that it counts as, where its caller has so long."""
        known = self._by_budget.setdefault(budget, {})
        for wording in dict.fromkeys(needs.wordings):
            if wording not in known:
                known[wording] = self._number(wording, budget)
        return list(map(known.__getitem__, needs.wordings))

    def _number(self, wording: Wording, budget: timedelta | None) -> int:
        sample = use_of("", None, 0, wording.sample, budget)
        number = self._known.setdefault((wording, sample.weakness), len(self.found))
        if number == len(self.found):
            self.found.append(sample)
        return number


def _uses_of(service: Service, budget: timedelta | None) -> tuple[Use, ...]:
    found = [use_of(service.name, None, index, need, budget) for index, need in enumerate(service.needs)]
    for endpoint in service.endpoints:
        for need in endpoint.needs:
            found.append(use_of(service.name, endpoint.name, len(found), need, budget))
    return tuple(found)
