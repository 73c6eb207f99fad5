"""Cold start round by round: everything works and nothing runs.

A service starts when its gates are met by services that serve; the started ones serve by the greatest fixed point of serve
demands among them; repeat. A round in which nobody begins to serve opens no gate, so it is the last.
Source: design section 3, Cycles.

Each round looks only at what may begin to serve in it: whoever newly started, and callers that wait for them, as far back
as callers could serve if every started service did. So a demand is looked at when something changes for it and not once a
round, and a chain of 10,000 waves is linear. Only a service that is tried in vain in many rounds costs more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truetier.graph.demand import Demand

    Demands = Mapping[str, Sequence[Demand]]


def cold_start(names: Sequence[str], gates: Demands, serves: Demands) -> list[tuple[str, ...]]:
    """The rounds of first serving among the names, in their order, while everything outside them serves."""
    position = {name: index for index, name in enumerate(names)}
    gate = _Ledger(names, gates)
    served = _Ledger(names, serves)
    hoped = _Ledger(names, serves)  # as if every started service served: whoever lacks something here is not worth a try
    waiting: set[str] = set()  # started, not yet serving
    waves: list[tuple[str, ...]] = []
    starting = [name for name in names if gate.unmet[name] == 0]
    while starting:
        waiting.update(starting)
        for name in starting:
            hoped.supply(name)
        wave = _largest_serving(_candidates(starting, waiting, served, hoped), served)
        if not wave:
            break
        wave.sort(key=position.__getitem__)
        waves.append(tuple(wave))
        waiting.difference_update(wave)
        starting = []
        for name in wave:
            served.supply(name)
            starting.extend(gate.supply(name))
    return waves


class _Ledger:
    """For each demand, how many services it still misses; for each service, how many of its demands miss any.

    Services outside the names count as supplied; demands that miss nothing from the start are not entered.
    """

    def __init__(self, names: Sequence[str], demands: Demands) -> None:
        self.unmet = dict.fromkeys(names, 0)
        self.own: dict[str, list[int]] = {name: [] for name in names}
        self.asked: dict[str, list[int]] = {name: [] for name in names}
        self.owner: list[str] = []
        self.missing: list[int] = []
        for name in names:
            for wanted in demands[name]:
                inside = [service for service in wanted.services if service in self.unmet]
                missing = wanted.required - len(wanted.services) + len(inside)
                if missing > 0:
                    self._enter(name, inside, missing)

    def _enter(self, name: str, inside: Iterable[str], missing: int) -> None:
        index = len(self.owner)
        self.owner.append(name)
        self.missing.append(missing)
        self.own[name].append(index)
        self.unmet[name] += 1
        for service in inside:
            self.asked[service].append(index)

    def supply(self, name: str) -> list[str]:
        """Counts the service as there; gives the services that with it miss nothing any more."""
        content = []
        for index in self.asked[name]:
            self.missing[index] -= 1
            if self.missing[index] == 0:
                owner = self.owner[index]
                self.unmet[owner] -= 1
                if self.unmet[owner] == 0:
                    content.append(owner)
        return content


def _candidates(starting: Iterable[str], waiting: set[str], served: _Ledger, hoped: _Ledger) -> dict[str, None]:
    """Everyone who may begin to serve: a set that serves now and did not before holds somebody who newly started."""
    found: dict[str, None] = {}
    todo = [name for name in starting if hoped.unmet[name] == 0]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = None
        for index in served.asked[name]:
            caller = served.owner[index]
            if caller in waiting and hoped.unmet[caller] == 0:
                todo.append(caller)
    return found


def _largest_serving(candidates: dict[str, None], served: _Ledger) -> list[str]:
    """The largest set of candidates whose demands are met by it together with those that serve already."""
    offered: dict[int, int] = {}
    for name in candidates:
        for index in served.asked[name]:
            offered[index] = offered.get(index, 0) + 1
    failing = [name for name in candidates if any(served.missing[index] > offered.get(index, 0) for index in served.own[name])]
    left = dict.fromkeys(candidates)
    for name in failing:
        del left[name]
    while failing:
        for index in served.asked[failing.pop()]:
            offered[index] -= 1
            owner = served.owner[index]
            if owner in left and offered[index] < served.missing[index]:
                del left[owner]
                failing.append(owner)
    return list(left)
