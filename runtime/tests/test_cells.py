"""Cells: who is served where, what a poison pill reaches, computed and simulated."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from truetier_runtime.cells import (
    Overflow,
    Quarantine,
    Router,
    best,
    score,
    share_in_one_cell,
    share_left_without,
    share_touched,
    share_with_overlap,
)
from truetier_runtime.errors import FencedError, OverloadedError, SettingsError
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from truetier_runtime.hooks import Fact

CELLS = [f"cell-{number}" for number in range(20)]
CUSTOMERS = [f"customer-{number}" for number in range(10_000)]


def nobody(_cell: str) -> bool:
    return False


def test_a_customer_is_served_where_it_always_was_on_every_machine() -> None:
    # Written down once: a change of the hash moves every customer of every fleet.
    assert score("customer-0", "cell-0") == 18107837831325092370
    assert [Router(CELLS).route(f"customer-{number}", is_full=nobody) for number in range(4)] == ["cell-0", "cell-14", "cell-10", "cell-4"]


def test_the_order_in_which_cells_are_named_does_not_matter() -> None:
    assert all(best(customer, CELLS, 3) == best(customer, reversed(CELLS), 3) for customer in CUSTOMERS[:200])


def test_a_cell_that_goes_moves_its_own_customers_only_and_all_over_the_rest() -> None:
    before, after = Router(CELLS), Router([cell for cell in CELLS if cell != "cell-7"])
    moved: Counter[str] = Counter()
    for customer in CUSTOMERS:
        (was,), (now,) = before.shard_of(customer), after.shard_of(customer)
        if was != now:
            assert was == "cell-7"
            moved[now] += 1
    assert sum(moved.values()) == sum(before.shard_of(customer) == ("cell-7",) for customer in CUSTOMERS)
    assert len(moved) == 19


def test_a_cell_that_comes_takes_its_share_and_moves_nobody_else() -> None:
    before, after = Router(CELLS), Router([*CELLS, "new"])
    moved = [after.shard_of(customer) for customer in CUSTOMERS if before.shard_of(customer) != after.shard_of(customer)]
    assert set(moved) == {("new",)}
    expected = len(CUSTOMERS) / 21
    assert abs(len(moved) - expected) < 4 * math.sqrt(expected)


def test_in_a_shard_a_worker_that_goes_is_replaced_and_the_others_stay() -> None:
    before, after = Router(CELLS, shard=3), Router([cell for cell in CELLS if cell != "cell-7"], shard=3)
    for customer in CUSTOMERS[:2000]:
        was, now = before.shard_of(customer), after.shard_of(customer)
        assert now[: len(was) - 1] == tuple(cell for cell in was if cell != "cell-7")[:2]
        assert (set(was) - set(now)) <= {"cell-7"}


def test_every_cell_gets_its_even_share() -> None:
    counts = Counter(Router(CELLS).shard_of(customer)[0] for customer in CUSTOMERS)
    # Chi-squared with 19 degrees of freedom: beyond 43.8 once in a thousand.
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 43.8


def test_names_that_run_into_one_another_are_different_pairs() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""), ("a" * 100, "b"), ("a" * 101, "b"), ("\udc80", "b")]
    assert len({score(*pair) for pair in pairs}) == len(pairs)


def test_a_full_cell_refuses_or_hands_on_within_the_shard_and_no_further() -> None:
    home, neighbour = best("ann", CELLS, 2)
    with pytest.raises(OverloadedError, match=f"no cell of ann has room: {home}"):
        Router(CELLS, shard=2).route("ann", is_full=lambda cell: cell == home)
    router = Router(CELLS, shard=2, overflow=Overflow.NEIGHBOUR)
    assert router.route("ann", is_full=nobody) == home
    assert router.route("ann", is_full=lambda cell: cell == home) == neighbour
    with pytest.raises(OverloadedError):
        router.route("ann", is_full=lambda cell: cell in {home, neighbour})


def test_a_pill_is_held_in_the_cell_of_its_first_crash_and_fenced_after_the_last() -> None:
    clock = FakeClock()
    quarantine = Quarantine(crashes=3, memory=60.0, clock=clock)
    router = Router(CELLS, shard=2, overflow=Overflow.NEIGHBOUR, quarantine=quarantine)
    home, neighbour = router.shard_of("ann")
    for number in range(3):
        # Its home is full of those who wait for the worker to come back; nobody hands it on.
        cell = router.route("ann", is_full=nobody, fingerprint="pill")
        assert cell == home
        quarantine.begin("pill", cell, f"worker-{number}")
        quarantine.begin(f"innocent-{number}", cell, f"worker-{number}")
        assert quarantine.crashed(cell, f"worker-{number}") == (("pill",) if number == 2 else ())
        if number < 2:
            with pytest.raises(OverloadedError):
                router.route("ann", is_full=lambda full: full == home, fingerprint="pill")
            with pytest.raises(FencedError, match="may not visit"):
                quarantine.begin("pill", neighbour, "worker-0")
    with pytest.raises(FencedError, match="under way in 3 crashes") as fenced:
        router.route("ann", is_full=nobody, fingerprint="pill")
    assert fenced.value.retry_after == 60.0
    with pytest.raises(FencedError):
        quarantine.begin("pill", home, "worker-0")
    assert router.route("ann", is_full=lambda full: full == home, fingerprint="another") == neighbour
    clock.advance(60.0)
    assert router.route("ann", is_full=nobody, fingerprint="pill") == home


def test_who_was_merely_nearby_is_cleared_by_ending_well() -> None:
    quarantine = Quarantine(crashes=2, clock=FakeClock())
    for number in range(5):
        quarantine.begin("innocent", "a", "1")
        quarantine.begin(f"other-{number}", "a", "1")
        assert quarantine.crashed("a", "1") == ()
        quarantine.begin("innocent", "a", "2")
        quarantine.end("innocent", "a", "2")
        assert quarantine.held_in("innocent") is None


def test_an_end_that_comes_after_the_crash_clears_nobody_and_a_fence_is_lifted_only_by_pardon() -> None:
    told: list[Fact] = []
    quarantine = Quarantine(crashes=1, clock=FakeClock(3.0), hooks=(told.append,))
    quarantine.begin("pill", "a", "1")
    quarantine.begin("pill", "b", "1")
    assert quarantine.crashed("a", "1") == ("pill",)
    assert [(fact.kind, fact.subject, fact.at, fact.detail) for fact in told] == [("fenced", "pill", 3.0, "a")]
    quarantine.end("pill", "a", "1")
    quarantine.end("pill", "b", "1")
    with pytest.raises(FencedError):
        quarantine.held_in("pill")
    quarantine.pardon("pill")
    assert quarantine.held_in("pill") is None
    assert not quarantine._under_way


def test_a_request_that_is_under_way_twice_in_a_worker_is_one_suspect_and_ends_twice() -> None:
    quarantine = Quarantine(crashes=2, clock=FakeClock())
    quarantine.begin("twin", "a", "1")
    quarantine.begin("twin", "a", "1")
    quarantine.end("twin", "a", "1")
    assert quarantine.crashed("a", "1") == ()
    assert quarantine.held_in("twin") == "a"
    assert quarantine.crashed("a", "1") == ()


def test_as_many_suspects_as_wanted_are_remembered() -> None:
    quarantine = Quarantine(crashes=2, most=3, clock=FakeClock())
    for number in range(5):
        quarantine.begin(str(number), "a", "1")
        quarantine.crashed("a", "1")
    assert [quarantine.held_in(str(number)) for number in range(5)] == [None, None, "a", "a", "a"]


@pytest.mark.parametrize(("workers", "shard"), [(1, 1), (5, 2), (6, 3), (7, 5), (8, 8)])
def test_overlaps_computed_are_those_counted_one_by_one(workers: int, shard: int) -> None:
    mine = set(range(shard))
    counts = Counter(len(mine & set(other)) for other in itertools.combinations(range(workers), shard))
    for overlap in range(shard + 2):
        assert share_with_overlap(workers, shard, overlap) == pytest.approx(counts[overlap] / counts.total())
    assert share_touched(workers, shard) == pytest.approx(1 - counts[0] / counts.total())
    assert share_left_without(workers, shard) == pytest.approx(counts[shard] / counts.total())


def test_twenty_cells_keep_a_pill_from_all_but_a_twentieth_of_customers() -> None:
    share = share_in_one_cell(20)
    assert share == 0.05
    bound = share + 3 * math.sqrt(share * (1 - share) / len(CUSTOMERS))
    router = Router(CELLS)
    homes = Counter(router.shard_of(customer) for customer in CUSTOMERS)
    for sender in random.Random(5).sample(CUSTOMERS, 10):
        assert homes[router.shard_of(sender)] / len(CUSTOMERS) <= bound


@pytest.mark.parametrize(("workers", "shard"), [(20, 2), (20, 3), (20, 4)])
def test_shuffle_sharding_leaves_less_than_one_in_a_hundred_without_a_worker(workers: int, shard: int) -> None:
    expected = share_left_without(workers, shard)
    assert expected == 1 / math.comb(workers, shard)
    router = Router(CELLS[:workers], shard=shard)
    shards = [frozenset(router.shard_of(customer)) for customer in CUSTOMERS]
    for number in random.Random(6).sample(range(len(CUSTOMERS)), 10):
        pill = shards[number]
        # The pill is retried through the whole shard of who sent it: the worst there is without a quarantine.
        left_without = sum(other <= pill for other in shards) / len(CUSTOMERS)
        assert left_without <= 0.01
        assert left_without <= expected + 3 * math.sqrt(expected / len(CUSTOMERS)) + 1 / len(CUSTOMERS)
        for overlap in range(shard + 1):
            share = share_with_overlap(workers, shard, overlap)
            found = sum(len(other & pill) == overlap for other in shards) / len(CUSTOMERS)
            assert abs(found - share) <= 4 * math.sqrt(share * (1 - share) / len(CUSTOMERS)) + 1 / len(CUSTOMERS)


def test_with_enough_workers_less_than_one_in_a_hundred_even_meets_a_worker_that_the_pill_met() -> None:
    assert share_touched(20, 2) > 0.19
    assert share_touched(400, 2) <= 0.01


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(SettingsError, match="name of its own"):
        Router(["a", "a"])
    for shard in (0, 3):
        with pytest.raises(SettingsError, match="a shard has"):
            Router(["a", "b"], shard=shard)
        with pytest.raises(SettingsError):
            share_touched(2, shard)
    with pytest.raises(SettingsError):
        share_in_one_cell(0)
    for settings in ({"crashes": 0}, {"memory": 0.0}, {"most": 0}):
        with pytest.raises(SettingsError):
            Quarantine(**settings)
