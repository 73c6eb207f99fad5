"""Needs and placements: what they mean, and every way to write them wrong."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from truetier.catalog.evidence import Verification
from truetier.catalog.model import Failover, Fallback, FallbackKind, Hardness, Mode, Need, Phase, PlacementMode, Target
from truetier.errors import CatalogError, Place
from truetier.sources.yaml_catalog import read
from truetier.units import WHOLE, Availability, Share


def mistakes(text: str) -> list[str]:
    """What is wrong with a catalog, without the file's name."""
    with pytest.raises(CatalogError) as caught:
        read(text.encode(), "f")
    return [str(mistake).removeprefix("f:") for mistake in caught.value.mistakes]


NEEDS = [
    ("a", ["5:15: needs: 'a' needs itself"]),
    ("{service: a}", ["5:25: needs: 'a' needs itself"]),
    ("~", ["5:15: needs: expected a name, found nothing"]),
    ("[b]", ["5:15: need: expected a map, found a list"]),
    ("{}", ["5:15: need: expected service, any_of, or k and of"]),
    ("{timeout: 1s}", ["5:15: need: expected service, any_of, or k and of"]),
    ("{service: b, timeout: 0s}", ["5:37: timeout: expected a duration longer than 0, found '0s'"]),
    ("{service: b, attempts: 0}", ["5:38: attempts: expected a whole number from 1 to 1000, found '0'"]),
    ("{service: b, backoff: x}", ["5:37: backoff: expected a duration like 800ms, 90s, 30m, 2h or 1d, found 'x'"]),
    ("{service: b, hardness: harsh}", ["5:38: hardness: expected hard, soft or unknown, found 'harsh'"]),
    (
        "{service: b, hardness: hard, timeout: 1s, fallback: static}",
        ["5:67: need: hardness hard and a fallback contradict each other; leave one out"],
    ),
    (
        "{service: b, mode: async, fallback: static}",
        ["5:51: need: an async need waits for no answer, so it has no fallback; leave one out"],
    ),
    ("{service: b, mode: later}", ["5:34: mode: expected sync or async, found 'later'"]),
    ("{service: b, broker: c}", ["5:36: need: a broker belongs to an async need; add mode: async"]),
    ("{service: b, mode: async, broker: a}", ["5:49: need: 'a' cannot be its own broker"]),
    ("{service: b, phase: boot}", ["5:35: phase: expected serve, start, recover or change, found 'boot'"]),
    ("{service: b, phase: []}", ["5:35: phase: the list is empty"]),
    ("{service: b, phase: [serve, serve]}", ["5:43: phase: serve is named twice"]),
    ("{service: b, phase: {}}", ["5:35: phase: expected a list, found a map"]),
    (
        "{service: b, share: 20}",
        ["5:35: share: expected a percentage like 99.9% or a number from 0 to 1, found '20'; write 20% if you mean percent"],
    ),
    ("{service: b, condition: ''}", ["5:39: condition: a name must not be empty"]),
    (
        "{service: b, fallback: cached}",
        ["5:38: fallback: expected static, or a map with kind, found 'cached'; write {kind: cached, staleness: 30m}"],
    ),
    (
        "{service: b, fallback: stand-in}",
        ["5:38: fallback: expected static, or a map with kind, found 'stand-in'; write {kind: stand-in, service: NAME}"],
    ),
    ("{service: b, fallback: {}}", ["5:38: fallback: the key kind is missing"]),
    ("{service: b, fallback: {kind: cached}}", ["5:38: fallback: cached needs the key staleness"]),
    ("{service: b, fallback: {kind: cached, staleness: 0s}}", ["5:64: staleness: expected a duration longer than 0, found '0s'"]),
    ("{service: b, fallback: {kind: static, staleness: 1m}}", ["5:64: fallback: staleness belongs to cached, this one is static"]),
    ("{service: b, fallback: {kind: stand-in}}", ["5:38: fallback: stand-in needs the key service"]),
    (
        "{service: b, fallback: {kind: cached, staleness: 1m, service: c}}",
        ["5:77: fallback: service belongs to stand-in, this one is cached"],
    ),
    ("{service: b, fallback: {kind: stand-in, service: b}}", ["5:64: fallback: the stand-in is the service it replaces"]),
    ("{service: b, fallback: {kind: stand-in, service: a}}", ["5:64: fallback: the stand-in is the caller itself"]),
    ("{service: b, fallback: ~}", ["5:38: fallback: expected static, or a map with kind, found nothing"]),
    ("{service: b, verified: {by: x}}", ["5:38: verified: the key on is missing"]),
    ("{service: b, verified: {by: x, on: 2026-13-01}}", ["5:50: on: expected a date like 2027-03-31, found '2026-13-01'"]),
    (
        "{service: b, verified: {by: x, on: 2026-02-01, until: 2026-01-01}}",
        ["5:69: verified: it ends on 2026-01-01, before the test on 2026-02-01"],
    ),
    ("{service: b, verified: yes}", ["5:38: verified: expected a map, found 'yes'"]),
    ("{any_of: []}", ["5:24: need: the list is empty"]),
    ("{any_of: b}", ["5:24: need: expected a list, found 'b'"]),
    ("{any_of: [b, b]}", ["5:28: need: 'b' is in the group twice"]),
    ("{any_of: [a, b]}", ["5:25: needs: 'a' needs itself"]),
    (
        "{any_of: [b, {any_of: [c, d]}]}",
        ["5:28: need: groups do not nest; a member is a service, or a map with service, timeout, attempts, backoff"],
    ),
    ("{any_of: [b, c], service: d}", ["5:15: need: service and any_of exclude each other; write one need for each"]),
    (
        "{any_of: [b, c], fallback: static, mode: async, hardness: soft, broker: d, timeout: 1s, attempts: 2, backoff: 1s}",
        [
            "5:42: need: a group takes no fallback",
            "5:56: need: a group takes no mode",
            "5:73: need: a group takes no hardness",
            "5:87: need: a group takes no broker",
            "5:99: need: a group takes no timeout; write it at a member",
            "5:113: need: a group takes no attempts; write it at a member",
            "5:125: need: a group takes no backoff; write it at a member",
        ],
    ),
    ("{any_of: [b, c], k: 1}", ["5:35: need: any_of means one of them; for k of them write k and of"]),
    ("{k: 3, of: [b, c]}", ["5:19: need: k is 3, but there are only 2 services"]),
    ("{k: 0, of: [b, c]}", ["5:19: k: expected a whole number from 1 to 10000, found '0'"]),
    ("{of: [b, c]}", ["5:15: need: of needs the key k, how many of them must answer; or write any_of"]),
    ("{k: 2}", ["5:15: need: k needs the key of, a list of services"]),
    ("{service: b, k: 2}", ["5:31: need: k belongs to a list, k and of"]),
    (
        "{any_of: [{service: b, fallback: static}]}",
        ["5:38: member: unknown key 'fallback'; the keys are service, timeout, attempts, backoff"],
    ),
    ("{any_of: [{timeout: 1s}, c]}", ["5:25: member: the key service is missing"]),
    ("{any_of: [[b]]}", ["5:25: member: expected a map, found a list"]),
]
PLACEMENTS = [
    ("", ["2:18: placement: the key copies is missing"]),
    ("copies: {}", ["2:27: copies: expected at least one failure domain with a number of copies"]),
    ("copies: {r: 0}", ["2:31: copies: expected a whole number from 1 to 1000, found '0'"]),
    ("copies: {r: two}", ["2:31: copies: expected a whole number from 1 to 1000, found 'two'"]),
    ("copies: {r: 2000}", ["2:31: copies: expected a whole number from 1 to 1000, found '2000'"]),
    ("copies: [r]", ["2:27: copies: expected a map with a name for each, found a list"]),
    ("copies: {r/: 1}", ["2:28: copies: expected a failure domain like us-east-1 or us-east-1/a, found 'r/'"]),
    (
        "copies: {r: 2}, common_cause: 10%",
        ["2:49: placement: common_cause is a share of a copy's downtime; it needs availability or measured beside it"],
    ),
    ("copies: {r: 2}, need: 3", ["2:41: placement: need is 3, but there are only 2 copies"]),
    ("copies: {r: 2}, need: 0", ["2:41: need: expected a whole number, at least 1, found '0'"]),
    ("copies: {r: 2}, failover: {time: 1m}", ["2:45: placement: failover belongs to mode: active-passive"]),
    ("copies: {r: 2}, mode: active-passive", ["2:18: placement: active-passive needs failover, with its time"]),
    ("copies: {r: 3}, mode: active-passive, failover: {time: 1m}", ["2:27: placement: active-passive takes exactly two copies, found 3"]),
    ("copies: {r: 2}, mode: active-passive, failover: {coverage: 90%}", ["2:67: failover: the key time is missing"]),
    (
        "copies: {r: 2}, mode: active-passive, failover: {time: 1m}, need: 1, affinity: zone",
        ["2:85: placement: active-passive takes no need", "2:98: placement: active-passive takes no affinity"],
    ),
    ("copies: {r: 2}, affinity: near", ["2:45: affinity: expected any, region or zone, found 'near'"]),
]


@pytest.mark.parametrize(("need", "expected"), NEEDS, ids=[need for need, _ in NEEDS])
def test_a_need_written_wrong_is_refused_at_its_place(need: str, expected: list[str]) -> None:
    assert mistakes(f"services:\n  b: {{}}\n  c: {{}}\n  d: {{}}\n  a: {{needs: [{need}]}}") == expected


@pytest.mark.parametrize(("keys", "expected"), PLACEMENTS, ids=[keys for keys, _ in PLACEMENTS])
def test_a_placement_written_wrong_is_refused_at_its_place(keys: str, expected: list[str]) -> None:
    assert mistakes(f"services:\n  a: {{placement: {{{keys}}}}}") == expected


def needs(*items: str) -> tuple[Need, ...]:
    """The needs of a service."""
    text = "services:\n  a:\n    needs:\n" + "".join(f"      - {item}\n" for item in items)
    return tuple(read(text.encode(), "f").services[0].needs)


def test_a_name_is_a_hard_sync_need_at_serve() -> None:
    (need,) = needs("b")
    assert need == Need((Target("b"),), need.evidence)
    assert need.evidence.place == Place("f", 4, 9)
    assert (need.hardness, need.mode, need.at_serve, need.share) == (None, Mode.SYNC, True, WHOLE)


def test_a_need_keeps_every_key() -> None:
    (need,) = needs(
        "{service: b, timeout: 100ms, attempts: 2, backoff: 50ms, hardness: soft, phase: [start, recover], share: 20%, condition: big, "
        "fallback: {kind: cached, staleness: 30m, availability: 99.9%, coverage: 98%}, "
        "verified: {by: game-day, on: 2026-01-02, until: 2026-07-02}}"
    )
    assert need.targets == (Target("b", timedelta(milliseconds=100), 2, timedelta(milliseconds=50)),)
    assert need.hardness is Hardness.SOFT
    assert need.phases == {Phase.START, Phase.RECOVER}
    assert (need.share, need.condition) == (Share(Decimal("0.2")), "big")
    assert need.fallback == Fallback(
        FallbackKind.CACHED, timedelta(minutes=30), None, Availability(Decimal("0.999")), Share(Decimal("0.98"))
    )
    assert need.verified == Verification("game-day", date(2026, 1, 2), date(2026, 7, 2))


def test_a_fallback_is_static_by_one_word_and_a_stand_in_by_its_service() -> None:
    static, stand_in = needs("{service: b, fallback: static}", "{service: c, fallback: {kind: stand-in, service: d, coverage: 90%}}")
    assert static.fallback == Fallback(FallbackKind.STATIC)
    assert stand_in.fallback == Fallback(FallbackKind.STAND_IN, None, "d", coverage=Share(Decimal("0.9")))
    assert stand_in.services == ("c", "d")


def test_an_async_need_names_its_broker() -> None:
    (need,) = needs("{service: b, mode: async, broker: queue}")
    assert (need.mode, need.broker) == (Mode.ASYNC, "queue")


def test_any_of_needs_one_and_k_of_needs_k() -> None:
    any_of, k_of = needs(
        "any_of: [b, {service: c, timeout: 1s, attempts: 3, backoff: 0}]", "{k: 2, of: [d, e, f], share: 5%, phase: start}"
    )
    assert (any_of.is_group, any_of.required, any_of.services) == (True, 1, ("b", "c"))
    assert any_of.targets[1] == Target("c", timedelta(seconds=1), 3)
    assert (k_of.is_group, k_of.required, k_of.services) == (True, 2, ("d", "e", "f"))
    assert k_of.phases == {Phase.START}


def test_unknown_hardness_may_have_a_fallback_and_soft_may_lack_one() -> None:
    unknown, soft = needs("{service: b, hardness: unknown, fallback: static}", "{service: c, hardness: soft}")
    assert (unknown.hardness, soft.hardness) == (Hardness.UNKNOWN, Hardness.SOFT)


def test_several_needs_on_one_service_are_kept() -> None:
    assert len(needs("b", "b", "{service: b, phase: start}")) == 3


def test_a_placement_keeps_copies_in_file_order() -> None:
    keys = "copies: {west: 1, east: 1}, availability: 99.9%, mode: active-passive, failover: {time: 90s, coverage: 95%}"
    text = f"services: {{a: {{placement: {{{keys}}}}}}}"
    placement = read(text.encode(), "f").services[0].placement
    assert placement is not None
    assert placement.copies == (("west", 1), ("east", 1))
    assert placement.mode is PlacementMode.ACTIVE_PASSIVE
    assert placement.failover == Failover(timedelta(seconds=90), Share(Decimal("0.95")))
    assert (placement.total, placement.required) == (2, 1)


def test_a_list_of_bare_names_says_the_same_in_lines_and_in_brackets() -> None:
    lines, brackets = (
        read(f"services:\n  a:\n    needs:{needs}\n".encode(), "f").services[0].needs for needs in ("\n      - b\n      - c d", " [b, c d]")
    )
    assert [need._replace(evidence=lines[0].evidence) for need in brackets] == [need._replace(evidence=lines[0].evidence) for need in lines]
    assert [need.evidence.place for need in lines] == [Place("f", 4, 9), Place("f", 5, 9)]
    assert lines[0].evidence._replace(place=None) == brackets[0].evidence._replace(place=None)


@pytest.mark.parametrize(
    ("name", "message"),
    [("null", "needs: expected a name, found nothing"), ("a", "needs: 'a' needs itself"), ("x" * 201, "a name has at most 200 characters")],
)
def test_a_wrong_name_in_a_list_of_names_is_refused_at_its_place(name: str, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read(f"services:\n  a:\n    needs:\n      - b\n      - {name}\n".encode(), "f")
    (mistake,) = caught.value.mistakes
    assert message in mistake.message
    assert mistake.place == Place("f", 5, 9)


def test_needs_that_say_the_same_of_different_services_stay_needs_of_their_own() -> None:
    text = """services:
  a:
    needs:
      - {service: b, timeout: 1s, attempts: 2, fallback: static}
      - {timeout: 1s, service: c, attempts: 2, fallback: static}
      - {timeout: 2s, service: c, attempts: 2, fallback: static}
"""
    one, alike, slower = read(text.encode(), "f").services[0].needs
    assert alike == one._replace(targets=(one.targets[0]._replace(service="c"),), evidence=alike.evidence)
    assert slower == alike._replace(targets=(alike.targets[0]._replace(timeout=timedelta(seconds=2)),), evidence=slower.evidence)
    assert [need.evidence.place for need in (one, alike, slower)] == [Place("f", line, 9) for line in (4, 5, 6)]


def test_a_wrong_need_is_told_where_a_right_one_says_the_same() -> None:
    items = "".join(f"\n      - {{service: {name}, timeout: 1s}}" for name in ("b", "a", "~", "b"))
    assert mistakes(f"services:\n  a:\n    needs:{items}\n") == [
        "5:19: needs: 'a' needs itself",
        "6:19: service: expected a name, found nothing",
    ]


def test_a_wrong_need_is_told_where_right_ones_were_read_before() -> None:
    right = "{service: b, timeout: 1s}"
    for wrong, message in (
        ("{service: c, timeout: 1s}", "6:19: needs: 'c' needs itself"),
        ("{service: ~, timeout: 1s}", "6:19: service: expected a name, found nothing"),
        ("{service: b, timeout: 0s}", "6:31: timeout: expected a duration longer than 0, found '0s'"),
    ):
        text = f"services:\n  a: {{needs: [{right}]}}\n  b: {{needs: []}}\n  c:\n    needs:\n      - {wrong}\n      - {right}\n"
        assert mistakes(text) == [message]


def test_needs_whose_first_key_is_another_are_each_read() -> None:
    one, other = needs("{timeout: 1s, service: b}", "{timeout: 1s, service: c}")
    again, more = needs("{timeout: 1s, service: b}", "{timeout: 2s, service: b}")
    assert (one.service, other.service, again.service) == ("b", "c", "b")
    assert [need.targets[0].timeout for need in (one, more)] == [timedelta(seconds=1), timedelta(seconds=2)]
