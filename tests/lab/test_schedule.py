"""Schedules of faults: drawn the same every time, fair, and read with the place of what is wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from truetier.errors import SourceError
from truetier_lab.schedule import Fault, FaultMode, Schedule, dealt, read, written

TARGETS = ("a", "b", "c")


def test_a_seed_gives_the_same_schedules_and_another_seed_others() -> None:
    assert dealt(TARGETS, 5, seed=3) == dealt(TARGETS, 5, seed=3)
    assert dealt(TARGETS, 5, seed=3) != dealt(TARGETS, 5, seed=4)


def test_every_target_fails_in_every_way_before_any_does_so_again() -> None:
    ways = [(fault.target, fault.mode, fault.delay) for schedule in dealt(TARGETS, 15, seed=1) for fault in schedule.faults]
    assert len(ways) == 60
    assert set(Counter(ways).values()) == {4}  # fifteen ways, dealt four times


def test_faults_last_a_second_or_more_inside_the_schedule_and_never_overlap_on_one_target() -> None:
    for schedule in dealt(TARGETS, 50, seed=2):
        for fault in schedule.faults:
            assert fault.end - fault.start >= 1
            assert 0 < fault.start < fault.end < schedule.seconds
        for target in TARGETS:
            of_target = [fault for fault in schedule.faults if fault.target == target]
            for earlier, later in pairwise(of_target):
                assert earlier.end <= later.start


def test_what_is_written_is_read_again() -> None:
    schedule = Schedule(9.0, (Fault("a", FaultMode.DELAY, 1.0, 2.5, 0.1), Fault("b", FaultMode.RESET, 1.5, 3.0)))
    assert read(written(schedule), "schedule.json", TARGETS) == schedule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "list indices"),
        ('{"faults": []}', "'seconds' is missing"),
        ('{"seconds": 5, "faults": [{"target": "z", "mode": "reset", "start": 1, "end": 2}]}', r"faults\[0\]: nothing called 'z'"),
        ('{"seconds": 5, "faults": [{"target": "a", "mode": "burn", "start": 1, "end": 2}]}', "'burn' is not a valid FaultMode"),
        ('{"seconds": 5, "faults": [{"target": "a", "mode": "reset", "start": 3, "end": 2}]}', "expected 0 <= start < end"),
        ('{"seconds": 5, "faults": [{"target": "a", "mode": "delay", "start": 1, "end": 2}]}', "seconds of delay above 0"),
        ("{", "no schedule of faults"),
    ],
)
def test_what_is_no_schedule_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as raised:
        read(text, "schedule.json", TARGETS)
    assert str(raised.value).startswith("schedule.json: ")
