from __future__ import annotations

import itertools
import random

import networkx as nx
import pytest

from truetier.graph.cuts import Purse, feedback_edges

Pairs = dict[tuple[str, str], int]


def leaves_no_cycle(pairs: Pairs, cut: list[tuple[str, str]]) -> bool:
    return bool(nx.is_directed_acyclic_graph(nx.DiGraph(list(pairs.keys() - set(cut)))))


def least(pairs: Pairs) -> int:
    """The least weight that suffices, by trying every set."""
    sets = (chosen for size in range(len(pairs) + 1) for chosen in itertools.combinations(pairs, size))
    return min(sum(pairs[pair] for pair in chosen) for chosen in sets if leaves_no_cycle(pairs, list(chosen)))


def random_pairs(seed: int) -> Pairs:
    chance = random.Random(seed)
    every = [(caller, callee) for caller in "abcde" for callee in "abcde"]
    return {pair: chance.choice((1, 1, 2, 3)) for pair in chance.sample(every, 10)}


@pytest.mark.parametrize("seed", range(60))
def test_no_set_that_suffices_weighs_less(seed: int) -> None:
    pairs = random_pairs(seed)
    cut, is_fewest = feedback_edges("abcde", pairs, Purse())
    assert is_fewest
    assert leaves_no_cycle(pairs, cut)
    assert sum(pairs[pair] for pair in cut) == least(pairs)


def test_one_edge_shared_by_all_cycles_is_enough() -> None:
    pairs = {("a", "b"): 1, ("b", "a"): 1, ("b", "c"): 1, ("c", "a"): 1}
    assert feedback_edges("abc", pairs, Purse()) == ([("a", "b")], True)


def test_two_light_edges_are_preferred_to_a_heavy_one() -> None:
    pairs = {("a", "b"): 3, ("b", "a"): 1, ("b", "c"): 1, ("c", "a"): 1}
    cut, is_fewest = feedback_edges("abc", pairs, Purse())
    assert sorted(cut) in ([("b", "a"), ("b", "c")], [("b", "a"), ("c", "a")])
    assert is_fewest


def test_among_equals_the_edge_named_first_is_cut() -> None:
    assert feedback_edges("ab", {("b", "a"): 1, ("a", "b"): 1}, Purse()) == ([("b", "a")], True)
    assert feedback_edges("ab", {("a", "b"): 1, ("b", "a"): 1}, Purse()) == ([("a", "b")], True)


def test_nothing_is_cut_where_there_is_no_cycle() -> None:
    assert feedback_edges("ab", {("a", "b"): 1}, Purse()) == ([], True)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("amount", [0, 40, 120])
def test_an_empty_purse_still_gives_a_set_that_suffices_and_says_that_fewer_may_do(seed: int, amount: int) -> None:
    pairs = random_pairs(seed)
    cut, is_fewest = feedback_edges("abcde", pairs, Purse(amount))
    assert leaves_no_cycle(pairs, cut)
    assert not is_fewest or sum(pairs[pair] for pair in cut) == least(pairs)
    assert amount > 0 or not is_fewest


def test_a_ring_of_10_000_loses_one_edge() -> None:
    names = [f"s{index}" for index in range(10_000)]
    pairs = {(name, names[index - 1]): 1 for index, name in enumerate(names)}
    assert feedback_edges(names, pairs, Purse()) == ([("s0", "s9999")], True)


def test_a_knot_of_1_000_is_left_to_the_heuristic() -> None:
    chance = random.Random(7)
    names = [f"s{index}" for index in range(1_000)]
    pairs = {pair: 1 for name in names for pair in [(name, chance.choice(names)) for _ in range(8)] if pair[0] != pair[1]}
    cut, is_fewest = feedback_edges(names, pairs, Purse())
    assert not is_fewest
    assert leaves_no_cycle(pairs, cut)
    assert len(cut) < len(pairs) / 2
