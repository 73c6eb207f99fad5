"""What is computed equals what counting states gives, on random fleets of up to 16 events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.oracles.construct_names import EVERY_CONSTRUCT
from tests.oracles.constructs import constructs
from tests.oracles.describing import describe
from tests.oracles.random_fleets import AS_OF, random_fleet
from tests.oracles.shrinking import shrink
from tests.oracles.state_enumeration import enumerate_states
from truetier.availability.assess import assess
from truetier.graph.build import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.oracles.state_enumeration import Numbers
    from truetier.availability.estimate import Assessment
    from truetier.catalog.model import Fleet

FLEETS = 5000
CHUNK = 500
FEWEST = 100  # fleets that must contain each construct, of 5,000
CLOSE = 1e-12  # relative, in U and in A
READINGS = ("delivered", "full", "ceiling", "verified")
BOUNDS = ("down_low", "down_high", "up_low", "up_high")


def differences(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Every number that is not what counting states gives: kind of subject, reading, details."""
    expected = enumerate_states(fleet, AS_OF)
    try:
        found = assess(build(fleet), AS_OF)
    except Exception as error:  # noqa: BLE001 - any crash is a difference to shrink, whatever its type
        return [("crash", type(error).__name__, str(error))]
    return [
        *_differences("service", expected.services, found.services),
        *_differences("journey", expected.journeys, found.journeys),
        *_differences("endpoint", expected.endpoints, found.endpoints),
    ]


def _differences(kind: str, expected: Mapping[str, Numbers], found: Mapping[str, Assessment]) -> list[tuple[str, str, str]]:
    wrong = [(kind, "subjects", f"{name} is missing or too much") for name in sorted(expected.keys() ^ found.keys())]
    for name in expected.keys() & found.keys():
        for reading in READINGS:
            for bound in BOUNDS:
                should = getattr(getattr(expected[name], reading), bound)
                does = getattr(getattr(found[name], reading), bound)
                if abs(should - does) > CLOSE * should:
                    wrong.append((kind, reading, f"{name} {reading}.{bound}: {does!r}, by counting states {should!r}"))
    return wrong


def _has_fault(kind: str, reading: str) -> Callable[[Fleet], bool]:
    """Whether a smaller fleet still shows the same kind of fault; one that no longer makes sense does not."""

    def has_fault(fleet: Fleet) -> bool:
        try:
            return any((kind, reading) == wrong[:2] for wrong in differences(fleet))
        except (KeyError, ValueError, IndexError):
            return False

    return has_fault


def _explained(seed: int, fleet: Fleet) -> str:
    """The smallest fleet that shows the fault, and the numbers."""
    kind, reading, _ = differences(fleet)[0]
    smallest = shrink(fleet, _has_fault(kind, reading))
    details = "\n".join(detail for *_, detail in differences(smallest))
    return f"fleet {seed}, shrunk:\n{describe(smallest)}\n{details}"


def _listed(counts: Counter[str], fleets: int) -> str:
    lines = [f"{counts[name]:6d}  {name}" for name in sorted(EVERY_CONSTRUCT | counts.keys(), key=lambda name: (counts[name], name))]
    return f"constructs in {fleets} random fleets:\n" + "\n".join(lines)


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(CHUNK, FLEETS, CHUNK))])
def test_every_number_is_what_counting_states_gives(first: int) -> None:
    wrong = [seed for seed in range(first, first + CHUNK) if differences(random_fleet(seed))]
    explained = [_explained(seed, random_fleet(seed)) for seed in wrong[:3]]
    assert not wrong, f"{len(wrong)} fleets differ: {wrong}\n" + "\n\n".join(explained)


def test_every_construct_turns_up_in_the_first_fleets(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(name for seed in range(CHUNK) for name in constructs(random_fleet(seed), AS_OF))
    rarest = min(EVERY_CONSTRUCT, key=lambda name: (counts[name], name))
    record_property(
        "constructs counted", f"{len(EVERY_CONSTRUCT)} constructs in {CHUNK} random fleets, the rarest in {counts[rarest]}: {rarest}"
    )
    assert not [name for name in sorted(EVERY_CONSTRUCT) if not counts[name]]


@pytest.mark.slow
def test_every_construct_is_in_at_least_a_hundred_fleets(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(name for seed in range(FLEETS) for name in constructs(random_fleet(seed), AS_OF))
    record_property("constructs counted", _listed(counts, FLEETS))
    assert not {name: counts[name] for name in EVERY_CONSTRUCT | counts.keys() if counts[name] < FEWEST}
