from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.random_fleets import random_fleet
from truetier.catalog.evidence import Claim, Conflict, Evidence, Kind
from truetier.catalog.listed import BARE, ListedNeeds, Wording
from truetier.catalog.measured import Measured
from truetier.catalog.model import Fact, Fallback, FallbackKind, Fleet, Mode, Need, Placement, Service, SkippedInput, Target, Waiver
from truetier.catalog.snapshot.codecs import DAY, DURATION, FRACTION, TEXT, Many, Maybe, Number, Repeated
from truetier.catalog.snapshot.columns import DamagedError, Reader, Writer
from truetier.catalog.snapshot.fleet import read_fleet, write_fleet
from truetier.catalog.tier import TierTable
from truetier.errors import Place

if TYPE_CHECKING:
    from truetier.catalog.snapshot.codecs import Codec

SEEN = Evidence(Kind.OBSERVED, "kubernetes", None, "env CART_ADDR")


def written(fleet: Fleet) -> bytes:
    to = Writer()
    write_fleet(fleet, to)
    return to.written()


def read(content: bytes) -> Fleet:
    source = Reader(memoryview(content))
    fleet = read_fleet(source)
    source.finish()
    return fleet


def through(codec: Codec, values: list[Any]) -> list[Any]:
    to = Writer()
    codec.write(values, to)
    source = Reader(memoryview(to.written()))
    found = list(codec.read(len(values), source))
    source.finish()
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_random_fleet_comes_back_equal_in_every_field(seed: int) -> None:
    fleet = random_fleet(seed)
    assert read(written(fleet)) == fleet


def test_what_was_counted_comes_back_and_what_cannot_have_been_is_refused() -> None:
    measured = Measured(1_000_000, 120, Decimal("3.5"))
    copies = Placement((("eu", 2),), SEEN, measured=measured._replace(clustering=Decimal(1)))
    fleet = Fleet({"a": Service("a", SEEN, measured=measured), "b": Service("b", SEEN, placement=copies)})
    assert read(written(fleet)) == fleet
    for wrong in (Measured(0), Measured(10, 11), Measured(10, 1, Decimal("0.5"))):
        with pytest.raises(DamagedError):
            list(read(written(Fleet({"a": Service("a", SEEN, measured=wrong)}))).services.values())


def test_what_files_say_beside_services_comes_back() -> None:
    note = SkippedInput("a.yaml", "empty")
    place = Evidence(Kind.DECLARED, "truetier", Place("täglich.yaml", 3, 70_000))
    service = Service("a", SEEN, layer=-3, aliases=("b", "b*"), facts=(Fact("replicas", "3", SEEN),), keys={"tier": place, "layer": SEEN})
    fleet = Fleet(
        {"a": service, "\ud800": Service("\ud800", place)},
        waivers=(Waiver("TT101", "a", "o", "why", date(2027, 1, 1), place),),
        conflicts=(Conflict("a", "tier", (Claim("T1", place), Claim("T2", SEEN)), "T1"),),
        skipped=(note, note),
        unmatched=(note,),
    )
    again = read(written(fleet))
    assert again == fleet
    keys = again.services["a"].keys
    assert list(keys) == ["tier", "layer"]
    assert keys["layer"] == SEEN
    assert keys.get("owner") is None
    assert len(keys) == 2
    assert "tier" in keys
    assert read(written(again)) == fleet


def test_listed_needs_stay_columns() -> None:
    soft = Need((Target("c", timedelta(seconds=1)),), SEEN, fallback=Fallback(FallbackKind.STATIC))
    needs = ListedNeeds(("b", "b"), (BARE, Wording(soft)), "f", [7, 8], [9, 10])
    fleet = Fleet({"a": Service("a", SEEN, needs=needs), "b": Service("b", SEEN)})
    again = read(written(fleet)).services["a"].needs
    assert isinstance(again, ListedNeeds)
    assert again == needs
    assert again.wordings[0] is BARE
    assert tuple(again) == (
        Need((Target("b"),), Evidence(Kind.DECLARED, "truetier", Place("f", 7, 9))),
        Need(
            (Target("b", timedelta(seconds=1)),),
            Evidence(Kind.DECLARED, "truetier", Place("f", 8, 10)),
            fallback=Fallback(FallbackKind.STATIC),
        ),
    )


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_come_back_whatever_their_width(numbers: list[int]) -> None:
    assert through(Number(-(2**63), 2**63 - 1), numbers) == numbers


@given(st.lists(st.one_of(st.none(), st.text(st.characters()), st.text(st.characters(categories=["Cs"])))))
def test_texts_come_back_whatever_their_letters(texts: list[str | None]) -> None:
    assert through(Maybe(TEXT), texts) == texts


@given(st.lists(st.lists(st.dates()).map(tuple)))
def test_tuples_come_back(values: list[tuple[date, ...]]) -> None:
    assert through(Many(Repeated(DAY)), values) == values


@given(st.lists(st.timedeltas(timedelta(), timedelta(days=365_000))))
def test_durations_come_back(values: list[timedelta]) -> None:
    assert through(DURATION, values) == values


@pytest.mark.parametrize("text", ["1.5", "-0.1", "NaN", "sNaN", "Infinity", "1e-5000", "0." + "1" * 200, "x", ""])
def test_a_fraction_that_no_catalog_could_state_is_refused(text: str) -> None:
    to = Writer()
    to.texts([text])
    with pytest.raises(DamagedError):
        list(FRACTION.read(1, Reader(memoryview(to.written()))))
    assert through(FRACTION, [Decimal("0.999"), Decimal("1e-900")]) == [Decimal("0.999"), Decimal("1e-900")]


@pytest.mark.parametrize(
    "column",
    [
        b"",
        b"q",
        b"B\x01\0\0\0\0\0\0\0",
        b"I\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(8),
        b"d\x01\0\0\0\0\0\0\0" + bytes(8),
        b"\xff\x01\0\0\0\0\0\0\0" + bytes(8),
    ],
)
def test_a_column_that_claims_more_than_there_is_is_refused(column: bytes) -> None:
    source = Reader(memoryview(Writer().written() + column))
    with pytest.raises(DamagedError):
        source.numbers(1, 0, 10)


def test_lengths_that_add_up_to_more_than_there_is_are_refused() -> None:
    to = Writer()
    to.numbers([40] * 100)
    with pytest.raises(DamagedError):
        Reader(memoryview(to.written())).lengths(100)


def test_a_front_without_its_texts_is_refused() -> None:
    for lengths, letters in ([2], b"a"), ([1], b"\xff"), ([-1, 2], b"a"), ([1], [70_000]):
        to = Writer()
        to.numbers(lengths)
        to.numbers(letters)
        with pytest.raises(DamagedError):
            Reader(memoryview(b"".join(to._parts)))


def test_what_follows_the_last_column_is_refused() -> None:
    with pytest.raises(DamagedError):
        read(written(random_fleet(3)) + b"\0")


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet({"a": Service("a", SEEN, needs=(Need((Target("b"),), SEEN),))}),
        Fleet({"a": Service("a", SEEN, needs=ListedNeeds(("b",), (BARE,), "f", [1], [1]))}),
        *[
            Fleet({"a": Service("a", SEEN, needs=ListedNeeds(("a",), (Wording(wrong),), "f", [1], [1]))})
            for need in (Need((Target("a"),), SEEN),)
            for wrong in (need._replace(required=2), need._replace(is_group=True), need._replace(broker="a", mode=Mode.ASYNC))
        ],
        Fleet({"a": Service("a", SEEN, tier="T9")}),
        Fleet({"a": Service("b", SEEN), "b": Service("b", SEEN)}),
        Fleet({"a": Service("a", SEEN), "b": Service("b", SEEN, needs=(Need((Target("a"),), SEEN, required=2),))}),
        Fleet({}, tiers=TierTable(())),
    ],
)
def test_what_could_be_no_fleet_is_refused(fleet: Fleet) -> None:
    with pytest.raises(DamagedError):
        read(written(fleet))


@pytest.mark.parametrize("seed", range(12))
def test_damage_is_refused_or_reads_as_a_fleet(seed: int) -> None:
    random = Random(seed)
    whole = written(random_fleet(seed))
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            content[random.randrange(len(content))] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
        if random.random() < 0.2:
            del content[random.randrange(len(content)) :]
        try:
            repr(read(bytes(content)).services.items())
        except DamagedError:
            continue
