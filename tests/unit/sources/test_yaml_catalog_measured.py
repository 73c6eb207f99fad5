"""Measured numbers in a catalog: what they mean, every way to write them wrong, and what two files make of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import jsonschema
import pytest

from truetier.catalog.measured import Measured
from truetier.catalog.merge import merge
from truetier.errors import CatalogError
from truetier.graph.build import build
from truetier.graph.diff import diff
from truetier.report.catalog_yaml import render
from truetier.sources.yaml_catalog import read
from truetier.sources.yaml_catalog.editor_schema import json_schema

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet


def fleet(*texts: str) -> Fleet:
    return merge([read(text.encode(), f"{number}.yaml") for number, text in enumerate(texts, 1)])


def mistakes(*texts: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        fleet(*texts)
    return [str(mistake) for mistake in caught.value.mistakes]


def of_service(measured: str) -> str:
    return f"services:\n  a: {{tier: T2, measured: {measured}}}\n"


def test_what_was_measured_is_read() -> None:
    text = """\
services:
  a: {tier: T1, availability: 99.95%, measured: {requests: 1000000, failed: 120, clustering: 2.5}}
  b: {placement: {copies: {r: 2}, measured: {requests: 70}, common_cause: 5%}}
"""
    found = fleet(text).services
    assert found["a"].measured == Measured(1_000_000, 120, Decimal("2.5"))
    assert found["b"].placement is not None
    assert found["b"].placement.measured == Measured(70)
    assert found["b"].placement.measured.unavailability == Decimal("0.5") / 71
    assert found["a"].keys["measured"].place is not None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{}", "2:27: measured: the key requests is missing"),
        ("5", "2:27: measured: expected a map, found '5'"),
        ("{requests: 0}", "2:38: requests: expected a whole number, at least 1, found '0'"),
        ("{requests: -5}", "2:38: requests: expected a whole number, at least 1, found '-5'"),
        ("{requests: 1.5}", "2:38: requests: expected a whole number, at least 1, found '1.5'"),
        ("{requests: 5, failed: -1}", "2:49: failed: expected a whole number, at least 0, found '-1'"),
        ("{requests: 5, failed: 6}", "2:49: measured: 6 requests failed, but there were only 5"),
        ("{requests: 5, clustering: 0.5}", "2:53: clustering: expected a number, at least 1, found '0.5'"),
        ("{requests: 5, clustering: '2'}", "2:53: clustering: expected a number, at least 1, found '2'"),
        ("{requests: 5, clustering: many}", "2:53: clustering: expected a number, at least 1, found 'many'"),
        ("{requests: 5, fail: 1}", "2:41: measured: unknown key 'fail'; did you mean failed?"),
    ],
)
def test_what_is_written_wrong_is_refused_at_its_place(written: str, said: str) -> None:
    assert mistakes(of_service(written)) == [f"1.yaml:{said}"]


@pytest.mark.parametrize("own", ["availability: 99%", "measured: {requests: 5}"])
@pytest.mark.parametrize("of_copy", ["availability: 99%", "measured: {requests: 5}"])
def test_numbers_are_of_the_service_or_of_a_copy(own: str, of_copy: str) -> None:
    excluded = f"{own.partition(':')[0]} and placement.{of_copy.partition(':')[0]}"
    text = f"services:\n  a: {{{own}, placement: {{copies: {{r: 2}}, {of_copy}}}}}\n"
    (said,) = mistakes(text)
    assert f"service: {excluded} exclude each other" in said
    (said,) = mistakes(f"services:\n  a: {{{own}}}\n", f"services:\n  a: {{placement: {{copies: {{r: 2}}, {of_copy}}}}}\n")
    first, second = excluded.split(" and placement.")
    other = f"2.yaml:2:{35 + len(second) + 2}"
    assert said == f"1.yaml:2:{7 + len(first) + 2}: service 'a': {first} and placement.{second} ({other}) exclude each other"


def test_files_that_disagree_are_a_conflict_and_the_more_cautious_counts() -> None:
    found = fleet(of_service("{requests: 1000, failed: 1}"), of_service("{requests: 1000, failed: 9}"))
    assert found.services["a"].measured == Measured(1000, 9)
    (conflict,) = found.conflicts
    assert (conflict.subject, conflict.key, conflict.used) == ("a", "measured", "9 of 1000 requests failed")
    assert [claim.value for claim in conflict.claims] == ["1 of 1000 requests failed", "9 of 1000 requests failed"]


def test_of_a_copy_as_well() -> None:
    texts = [f"services:\n  a: {{placement: {{copies: {{r: 2}}, measured: {{requests: 1000, failed: {failed}}}}}}}\n" for failed in (1, 9)]
    found = fleet(*texts)
    assert found.services["a"].placement is not None
    assert found.services["a"].placement.measured == Measured(1000, 9)
    assert [(conflict.key, conflict.used) for conflict in found.conflicts] == [("placement.measured", "9 of 1000 requests failed")]
    agreed = fleet(texts[0], "services:\n  a: {placement: {copies: {r: 2}}}\n")
    assert agreed.conflicts == ()
    assert agreed.services["a"].placement is not None
    assert agreed.services["a"].placement.measured == Measured(1000, 1)


def test_it_is_written_as_it_is_read() -> None:
    text = """\
services:
  a: {measured: {requests: 1000000, failed: 120, clustering: 2.5}}
  b: {placement: {copies: {r: 2}, measured: {requests: 70}}}
"""
    once = fleet(text)
    again = fleet(render(once))
    assert again.services["a"].measured == once.services["a"].measured
    assert again.services["b"].placement is not None
    assert again.services["b"].placement.measured == Measured(70)


def test_a_change_of_it_is_a_difference() -> None:
    before, after = fleet(of_service("{requests: 1000, failed: 1}")), fleet(of_service("{requests: 2000, failed: 1, clustering: 2}"))
    (change,) = diff(build(before), build(after))
    assert (change.key, change.before, change.after) == (
        "measured",
        "1 of 1000 requests failed",
        "1 of 2000 requests failed, clustering 2",
    )


@pytest.mark.parametrize(
    ("service", "is_right"),
    [
        ({"measured": {"requests": 5, "failed": 1, "clustering": 2.5}}, True),
        ({"measured": {"requests": 0}}, False),
        ({"measured": {"failed": 0}}, False),
        ({"measured": {"requests": 5, "clustering": 0.5}}, False),
        ({"placement": {"copies": {"r": 2}, "measured": {"requests": 5}, "common_cause": "5%"}}, True),
        ({"placement": {"copies": {"r": 2}, "common_cause": "5%"}}, False),
        ({"measured": {"requests": 5}, "placement": {"copies": {"r": 2}, "measured": {"requests": 5}}}, False),
        ({"availability": "99%", "placement": {"copies": {"r": 2}, "measured": {"requests": 5}}}, False),
        ({"measured": {"requests": 5}, "availability": "99%", "placement": {"copies": {"r": 2}}}, True),
    ],
)
def test_the_schema_for_editors_says_the_same(service: object, *, is_right: bool) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid({"services": {"a": service}}) is is_right
