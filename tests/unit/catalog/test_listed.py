from __future__ import annotations

from datetime import timedelta

import pytest

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.listed import BARE, ListedNeeds, Wording, Wordings, can_be_listed, listed
from truetier.catalog.model import AT_SERVE, Fallback, FallbackKind, Mode, Need, Phase, Target
from truetier.errors import Place

SECOND = timedelta(seconds=1)
STATIC = Fallback(FallbackKind.STATIC)


def need(name: str, line: int, timeout: timedelta | None = None, fallback: Fallback | None = None) -> Need:
    return Need((Target(name, timeout),), Evidence(Kind.DECLARED, "truetier", Place("f", line, 9)), fallback=fallback)


NEEDS = (need("b", 4), need("c", 5, SECOND, STATIC), need("d", 7))
SOFT = Wording(NEEDS[1])


def columns() -> ListedNeeds:
    return ListedNeeds(("b", "c", "d"), (BARE, SOFT, BARE), "f", [4, 5, 7], [9, 9, 9])


def test_listed_needs_read_like_a_tuple_of_needs() -> None:
    needs = columns()
    assert needs == NEEDS
    assert needs == columns()
    assert needs != NEEDS[:2]
    assert needs != list(NEEDS)
    assert (len(needs), needs[1], needs[-1], needs[1:]) == (3, NEEDS[1], NEEDS[2], NEEDS[1:])
    assert [*needs] == [*NEEDS]
    assert hash(needs) == hash(NEEDS)
    assert repr(needs) == repr(NEEDS)
    assert tuple(ListedNeeds((), (), "f", [], [])) == ()


def test_a_place_is_known_without_the_need() -> None:
    assert columns().place(2) == Place("f", 7, 9)


def test_a_wording_says_all_but_whom_it_asks() -> None:
    assert SOFT.sample == NEEDS[1]._replace(targets=(Target("", SECOND),), evidence=Evidence(Kind.DECLARED, "truetier", None))
    assert SOFT.timeout == SECOND
    assert Wording(NEEDS[1]._replace(mode=Mode.ASYNC, fallback=None)).timeout is None


def test_needs_that_say_the_same_share_a_wording() -> None:
    wordings = Wordings()
    found = listed([*NEEDS, need("e", 8, SECOND, STATIC)], "f", wordings)
    assert isinstance(found, ListedNeeds)
    assert found == (*NEEDS, need("e", 8, SECOND, STATIC))
    assert found.wordings == (BARE, wordings.of(NEEDS[1]), BARE, wordings.of(NEEDS[1]))
    assert not found.is_bare
    assert columns().wordings[0] is wordings.of(NEEDS[0])


@pytest.mark.parametrize(
    "other",
    [
        need("b", 1)._replace(is_group=True),
        need("b", 1)._replace(phases=frozenset({Phase.START})),
        need("b", 1)._replace(mode=Mode.ASYNC, broker="q"),
        need("b", 1, SECOND, Fallback(FallbackKind.STAND_IN, service="c")),
    ],
)
def test_a_need_that_is_more_than_one_call_while_serving_is_not_listed(other: Need) -> None:
    assert not can_be_listed(other)
    assert listed([NEEDS[0], other], "f", Wordings()) == (NEEDS[0], other)
    assert can_be_listed(need("b", 1)._replace(phases=AT_SERVE | {Phase.START}))
