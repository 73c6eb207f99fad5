from __future__ import annotations

from truetier.catalog.bare import BareNeeds
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Need, Target
from truetier.errors import Place

NEEDS = tuple(
    Need((Target(name),), Evidence(Kind.DECLARED, "truetier", Place("f", line, 9))) for name, line in (("b", 4), ("c", 5), ("d", 7))
)


def bare() -> BareNeeds:
    return BareNeeds(("b", "c", "d"), "f", [4, 5, 7], [9, 9, 9])


def test_bare_needs_read_like_a_tuple_of_needs() -> None:
    needs = bare()
    assert needs == NEEDS
    assert needs == bare()
    assert needs != NEEDS[:2]
    assert needs != list(NEEDS)
    assert (len(needs), needs[1], needs[-1], needs[1:]) == (3, NEEDS[1], NEEDS[2], NEEDS[1:])
    assert [*needs] == [*NEEDS]
    assert hash(needs) == hash(NEEDS)
    assert repr(needs) == repr(NEEDS)


def test_a_place_is_known_without_the_need() -> None:
    assert bare().place(2) == Place("f", 7, 9)
