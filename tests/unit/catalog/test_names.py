"""Which service a name means."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.catalog.names import AmbiguousNameError, Names


def test_a_name_means_the_service_of_that_name_before_any_alias() -> None:
    names = Names([("a", ()), ("b", ("a", "x", "c-*"))])
    assert [names.resolve(name) for name in ("a", "x", "c-1", "d")] == ["a", "b", "b", None]


def test_letter_case_counts_and_only_the_star_is_special() -> None:
    names = Names([("a", ("Cart", "x?[1]*.y"))])
    assert names.resolve("cart") is None
    assert names.resolve("x?[1]z.y") == "a"
    assert names.resolve("xz1z.y") is None


def test_an_alias_without_a_star_comes_before_one_with() -> None:
    assert Names([("a", ("cart",)), ("b", ("c*",))]).resolve("cart") == "a"


def test_a_name_that_two_services_claim_is_ambiguous() -> None:
    names = Names([("a", ("x-*", "y")), ("b", ("*-1", "y"))])
    for name in ("x-1", "y"):
        with pytest.raises(AmbiguousNameError) as caught:
            names.resolve(name)
        assert caught.value.services == ("a", "b")
    assert names.resolve("x-2") == "a"


def test_two_aliases_of_one_service_are_no_ambiguity() -> None:
    assert Names([("a", ("x-*", "*-1"))]).resolve("x-1") == "a"


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=10))
def test_a_pattern_matches_as_a_regular_expression_would(alias: str, name: str) -> None:
    expected = re.fullmatch(alias.replace("*", ".*"), name) is not None
    assert (Names([("service", (alias,))]).resolve(name) == "service") == expected


def test_a_hostile_pattern_costs_no_more_than_its_length() -> None:
    began = time.process_time()
    assert Names([("service", ("a*" * 90 + "b",))]).resolve("a" * 5000) is None
    assert time.process_time() - began < 1
