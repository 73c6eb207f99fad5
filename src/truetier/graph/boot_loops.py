"""Services that wait for themselves to start.

Whoever never serves waits for somebody who never serves either, so all waiting ends in circles. A circle that would
dissolve if everything outside it served is only stuck behind another; what is left is a loop of its own. Serve needs
alone never make one, as services that are all started serve together: each loop holds a start or recover need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.graph.cycles import shortest_cycle, strongly_connected
from truetier.graph.waves import cold_start
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.graph.hardness import Use
    from truetier.graph.waves import Demands

    Waits = dict[str, dict[str, Use]]

_SEVERAL = -1


class BootLoop(NamedTuple):
    """Services that cannot start even when everything outside them serves.

    ``path`` is a shortest circle of waiting that begins with a start or recover need; the last waits for the first, and
    ``witness`` holds the need by which each waits for the next. ``behind`` are the services outside every loop that
    this one alone keeps from serving. ``is_shortest`` is false when the loop was too large to be sure.
    """

    members: tuple[str, ...]
    path: tuple[str, ...]
    witness: tuple[Use, ...]
    is_shortest: bool
    behind: tuple[str, ...]


def boot_loops(never: Sequence[str], gates: Demands, serves: Demands) -> tuple[BootLoop, ...]:
    """The loops among the services that never serve, by their first member in the order given."""
    if not never:
        return ()
    position = {name: index for index, name in enumerate(never)}
    groups = sorted(_self_blocking(never, gates, serves), key=lambda members: position[members[0]])
    behind = _behind(never, groups, gates, serves)
    return tuple(_loop(members, behind[index], gates, serves) for index, members in enumerate(groups))


def _waits(names: Sequence[str], demands: Demands) -> Waits:
    """Whom each of the names waits for among them, everything else serving, and by which need."""
    inside = set(names)
    waits: Waits = {}
    for name in names:
        for_whom: dict[str, Use] = {}
        for wanted in demands[name]:
            stuck = [service for service in wanted.services if service in inside]
            if len(wanted.services) - len(stuck) < wanted.required:
                for service in stuck:
                    for_whom.setdefault(service, wanted.use)
        waits[name] = for_whom
    return waits


def _all_waits(names: Sequence[str], gates: Demands, serves: Demands) -> Waits:
    at_start = _waits(names, gates)
    at_serve = _waits(names, serves)
    return {name: at_serve[name] | at_start[name] for name in names}


def _self_blocking(never: Sequence[str], gates: Demands, serves: Demands) -> list[list[str]]:
    found: list[list[str]] = []
    todo = [list(never)]
    while todo:
        stuck = todo.pop()  # none of these serves even when everything outside them does
        waits = _all_waits(stuck, gates, serves)
        for part in strongly_connected(stuck, waits.__getitem__):
            if len(part) == len(stuck):
                found.append(part)
            elif len(part) > 1 or part[0] in waits[part[0]]:
                serving = {name for wave in cold_start(part, gates, serves) for name in wave}
                if left := [name for name in part if name not in serving]:
                    todo.append(left)
    return found


def _behind(never: Sequence[str], groups: Sequence[Sequence[str]], gates: Demands, serves: Demands) -> list[list[str]]:
    """For each loop, the services outside all loops whose waiting ends in this one only."""
    loop_of = {name: index for index, members in enumerate(groups) for name in members}
    waits = _all_waits(never, gates, serves)
    ends: dict[str, int] = {}
    for part in strongly_connected(never, waits.__getitem__):
        seen = {loop_of[name] for name in part if name in loop_of}
        seen.update(ends[other] for name in part for other in waits[name] if other in ends)
        ends.update(dict.fromkeys(part, seen.pop() if len(seen) == 1 else _SEVERAL))
    behind: list[list[str]] = [[] for _ in groups]
    for name in never:
        if name not in loop_of and ends[name] != _SEVERAL:
            behind[ends[name]].append(name)
    return behind


def _loop(members: list[str], behind: list[str], gates: Demands, serves: Demands) -> BootLoop:
    at_start = _waits(members, gates)
    waits = _all_waits(members, gates, serves)
    path, is_shortest = shortest_cycle(members, waits.__getitem__, openings=at_start)
    witness = tuple(waits[name][path[(index + 1) % len(path)]] for index, name in enumerate(path))
    return BootLoop(tuple(members), tuple(path), witness, is_shortest, tuple(behind))
