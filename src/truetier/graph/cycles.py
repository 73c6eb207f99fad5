"""Who waits in a circle: strongly connected components and a shortest cycle of each, for nodes of any kind.

Nothing here recurses: a chain of 10,000 services must not end at the interpreter's limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

_NEW = -1
_SCANS = 200_000  # edges scanned in one component before the search for something shorter is given up
_SCANS_PER_EDGE = 20


def below_cycles(ahead: Sequence[Sequence[int]]) -> list[int]:
    """The nodes, which are numbers, that stand in a cycle or below one: most graphs have few, and the rest is soon told apart.

    Source: Kahn, Topological sorting of large networks, 1962.
    """
    waiting = [0] * len(ahead)
    for children in ahead:
        for child in children:
            waiting[child] += 1
    free = [node for node, count in enumerate(waiting) if count == 0]
    for node in free:  # grows while it is walked
        for child in ahead[node]:
            waiting[child] -= 1
            if waiting[child] == 0:
                free.append(child)
    return [node for node, count in enumerate(waiting) if count]


def strongly_connected(nodes: Sequence[T], successors: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """The strongly connected components, callees first; the members of each in the order of ``nodes``.

    Successors that are not among the nodes are left out. Source: Tarjan, Depth-first search and linear graph
    algorithms, 1972; here with a stack of its own.
    """
    position = {node: index for index, node in enumerate(nodes)}
    number = dict.fromkeys(nodes, _NEW)
    done = len(nodes)  # larger than every number in use, so that it never lowers a link
    low: dict[T, int] = {}
    open_nodes: list[T] = []
    found: list[list[T]] = []
    count = 0
    for root in nodes:
        if number[root] != _NEW:
            continue
        number[root] = low[root] = count
        count += 1
        open_nodes.append(root)
        path: list[tuple[T, Iterator[T]]] = [(root, iter(successors(root)))]
        while path:
            node, rest = path[-1]
            for child in rest:
                seen = number.get(child, done)
                if seen == _NEW:
                    number[child] = low[child] = count
                    count += 1
                    open_nodes.append(child)
                    path.append((child, iter(successors(child))))
                    break
                if seen < low[node]:  # noqa: PLR1730 - a comparison is several times cheaper than min() on every edge
                    low[node] = seen
            else:
                path.pop()
                if path and low[node] < low[path[-1][0]]:
                    low[path[-1][0]] = low[node]
                if low[node] == number[node]:
                    found.append(_close(open_nodes, node, number, done, position))
    return found


def _close(open_nodes: list[T], node: T, number: dict[T, int], done: int, position: dict[T, int]) -> list[T]:
    members: list[T] = []
    while not members or members[-1] != node:
        members.append(open_nodes.pop())
        number[members[-1]] = done
    members.sort(key=position.__getitem__)
    return members


def shortest_cycle(
    members: Sequence[T], successors: Callable[[T], Iterable[T]], *, openings: Mapping[T, Iterable[T]] | None = None
) -> tuple[list[T], bool]:
    """A shortest cycle among the members, and whether it is sure that none is shorter; empty where there is none.

    The last node of the cycle leads to its first. Successors outside the members are left out. With ``openings`` only
    cycles count that take one of these steps, and the one returned begins with it. Deterministic: among equals, the
    first member's.

    A search starts from each member and is cut at the best length so far; then the steps it began with are taken out,
    and with them whatever lies on no cycle any more, which makes a ring linear. The edges scanned are limited (to 20 times
    the component's, at least 200,000), hence the second value.
    """
    search = _Search(members, successors)
    steps = {node: tuple(children) for node, children in search.ahead.items()} if openings is None else openings
    if at_sight := search.at_sight(members, steps):
        return at_sight, True
    best: list[T] = []
    for node in members:
        opening = [child for child in steps.get(node, ()) if child in search.ahead[node]]
        if opening and search.scans > 0:
            best = search.way_back(node, opening, len(best)) or best
            search.take_out(node, opening)
    return best, search.scans > 0


class _Search(Generic[T]):
    """The part of a component in which a shorter cycle may still lie, and the scans left to find it."""

    def __init__(self, members: Sequence[T], successors: Callable[[T], Iterable[T]]) -> None:
        self.ahead: dict[T, dict[T, None]] = {node: {} for node in members}
        self.behind: dict[T, dict[T, None]] = {node: {} for node in members}
        edges = 0
        for node, children in self.ahead.items():
            for child in successors(node):
                if child in self.ahead and child not in children:
                    children[child] = None
                    self.behind[child][node] = None
                    edges += 1
        self.scans = max(_SCANS, _SCANS_PER_EDGE * edges)

    def at_sight(self, members: Sequence[T], steps: Mapping[T, Iterable[T]]) -> list[T]:
        """A cycle of one or two nodes: most real components hold one."""
        pair: list[T] = []
        for node in members:
            for child in steps.get(node, ()):
                if child == node and child in self.ahead[node]:
                    return [node]
                if not pair and child in self.ahead[node] and node in self.ahead[child]:
                    pair = [node, child]
        return pair

    def way_back(self, node: T, opening: Sequence[T], best: int) -> list[T]:
        """The shortest cycle through the node and one of the opening steps, empty unless shorter than the best (0: none)."""
        came: dict[T, T] = dict.fromkeys(opening, node)
        level: Sequence[T] = opening
        length = 2
        while level and (not best or length < best):
            reached: list[T] = []
            for place in level:
                children = self.ahead[place]
                if node in children:
                    return _trace(came, node, place)
                self.scans -= len(children)
                for child in children:
                    if child not in came:
                        came[child] = place
                        reached.append(child)
            level = reached
            length += 1
        return []

    def take_out(self, node: T, opening: Iterable[T]) -> None:
        """Removes the steps, and every node that lies on no cycle without them for want of a way in or out."""
        idle = [node]
        for child in opening:
            del self.ahead[node][child]
            del self.behind[child][node]
            idle.append(child)
        while idle:
            place = idle.pop()
            if self.ahead[place] and self.behind[place]:
                continue
            for child in self.ahead[place]:
                del self.behind[child][place]
                idle.append(child)
            for parent in self.behind[place]:
                del self.ahead[parent][place]
                idle.append(parent)
            self.ahead[place] = {}
            self.behind[place] = {}


def _trace(came: Mapping[T, T], start: T, end: T) -> list[T]:
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    path.reverse()
    return path
