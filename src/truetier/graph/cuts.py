"""The fewest edges whose removal leaves no cycle (a minimum feedback arc set), exact where that is affordable.

Exact: take any cycle, one of its edges must go, so branch over them; allow a larger total only when a smaller one is
refuted. Every branch keeps the edges its elder siblings removed, so no set is tried twice. The problem is NP-hard:
when the purse is empty a heuristic answers and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.graph.cycles import shortest_cycle, strongly_connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Pair = tuple[str, str]

_PURSE = 400_000


class Purse:
    """How much exact search one audit can still afford, in edges looked at."""

    def __init__(self, amount: int = _PURSE) -> None:
        self.amount = amount

    @property
    def is_empty(self) -> bool:
        """Whether exact search must stop."""
        return self.amount <= 0

    def pay(self, price: int) -> None:
        """Takes the price of looking at so many edges."""
        self.amount -= price


def feedback_edges(members: Sequence[str], weights: Mapping[Pair, int], purse: Purse) -> tuple[list[Pair], bool]:
    """A set of edges of least total weight that leaves no cycle among the members, and whether it surely is least.

    ``weights`` holds every edge; among equal sets the one with edges that stand earlier in it is preferred.
    """
    total = _least_total(members, weights, purse)
    while not purse.is_empty:
        chosen = _within(members, weights, total, purse)
        if chosen is not None:
            return chosen, True
        total += 1
    return _heuristic(members, weights), False


def _find_cycle(members: Sequence[str], weights: Mapping[Pair, int], removed: set[Pair], purse: Purse) -> list[Pair]:
    """The edges of a cycle that is left, in order of preference; empty where none is left or the purse is."""
    purse.pay(len(weights) + len(members))
    if purse.is_empty:
        return []
    ahead: dict[str, list[str]] = {name: [] for name in members}
    for pair in weights:
        if pair not in removed:
            ahead[pair[0]].append(pair[1])
    for part in strongly_connected(members, ahead.__getitem__):
        if len(part) > 1 or part[0] in ahead[part[0]]:
            path, _ = shortest_cycle(part, ahead.__getitem__)
            on_path = {(path[index - 1], path[index]) for index in range(len(path))}
            return [pair for pair in weights if pair in on_path]
    return []


def _least_total(members: Sequence[str], weights: Mapping[Pair, int], purse: Purse) -> int:
    """What any solution weighs at least: cycles without a common edge must each lose one."""
    total = 0
    removed: set[Pair] = set()
    while cycle := _find_cycle(members, weights, removed, purse):
        total += min(weights[pair] for pair in cycle)
        removed.update(cycle)
    return total


def _within(members: Sequence[str], weights: Mapping[Pair, int], total: int, purse: Purse) -> list[Pair] | None:
    """A solution that weighs at most the total; None where there is none or the purse is empty."""
    removed: set[Pair] = set()
    kept: set[Pair] = set()
    left = total
    frames: list[tuple[Iterator[Pair], list[Pair]]] = []  # per cycle: the edges still to try, those tried
    while cycle := _find_cycle(members, weights, removed, purse):
        frames.append((iter([pair for pair in cycle if pair not in kept]), []))
        while frames:
            options, tried = frames[-1]
            if tried:
                removed.remove(tried[-1])
                left += weights[tried[-1]]
                kept.add(tried[-1])
            chosen = next((pair for pair in options if weights[pair] <= left), None)
            if chosen is not None:
                tried.append(chosen)
                removed.add(chosen)
                left -= weights[chosen]
                break
            frames.pop()
            kept.difference_update(tried)
        if not frames:
            return None
    return None if purse.is_empty else [pair for pair in weights if pair in removed]


def _heuristic(members: Sequence[str], weights: Mapping[Pair, int]) -> list[Pair]:
    """A small set: place next whoever calls most and is called least among those left, then cut what points backward.

    Source: Eades, Lin and Smyth, A fast and effective heuristic for the feedback arc set problem, 1993.
    """
    from heapq import heapify, heappop, heappush  # a cycle too large to solve exactly is rare

    ahead: dict[str, list[tuple[str, int]]] = {name: [] for name in members}
    behind: dict[str, list[tuple[str, int]]] = {name: [] for name in members}
    surplus = dict.fromkeys(members, 0)
    for (caller, callee), weight in weights.items():
        ahead[caller].append((callee, weight))
        behind[callee].append((caller, weight))
        surplus[caller] += weight
        surplus[callee] -= weight
    rank = {name: index for index, name in enumerate(members)}
    heap = [(-surplus[name], rank[name], name) for name in members]
    heapify(heap)
    placed: dict[str, int] = {}
    while heap:
        negative, _, name = heappop(heap)
        if name in placed or -negative != surplus[name]:
            continue
        placed[name] = len(placed)
        for others, sign in ((ahead[name], 1), (behind[name], -1)):
            for other, weight in others:
                if other not in placed:
                    surplus[other] += sign * weight
                    heappush(heap, (-surplus[other], rank[other], other))
    return [(caller, callee) for caller, callee in weights if placed[callee] <= placed[caller]]
