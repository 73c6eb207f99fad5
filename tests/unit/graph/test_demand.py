from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.unit.graph.fleets import graph, group, later, need, service, soft
from truetier.graph.demand import serve_demands

if TYPE_CHECKING:
    from truetier.catalog.model import Need

DAY = date(2026, 11, 23)


def asked(*needs: Need, is_believed: bool = True) -> list[tuple[tuple[str, ...], int]]:
    """For each demand of a service with these needs, whom it asks and how many of them it takes."""
    uses = graph(service("a", *needs)).uses
    return [(demand.services, demand.required) for demand in serve_demands((uses if is_believed else uses.verified(DAY))["a"])]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (need("b"), [(("b",), 1)]),
        (need("b", phases=("start", "change")), []),
        (group(2, "b", "c", "d"), [(("b", "c", "d"), 2)]),
        (soft("b"), []),
        (soft("b", "cached"), [(("b",), 1)]),
        (soft("b", "stand-in", stand_in="c"), [(("b", "c"), 1)]),
        (soft("b", "stand-in", stand_in="b"), [(("b",), 1)]),
        (later("b"), []),
        (later("b", broker="q"), [(("q",), 1)]),
    ],
)
def test_each_kind_of_need_is_one_count(wanted: Need, expected: list[tuple[tuple[str, ...], int]]) -> None:
    assert asked(wanted) == expected


def test_what_is_not_believed_is_asked_for_in_full() -> None:
    needs = (group(1, "b", "c"), soft("b"), later("b", broker="q"), later("b", broker="b"))
    assert asked(*needs, is_believed=False) == [(("b", "c"), 2), (("b",), 1), (("b", "q"), 2), (("b",), 1)]
