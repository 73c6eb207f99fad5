"""What a person reads."""

from __future__ import annotations

import re

import pytest

from tests.unit.report.documents import DOCUMENTS, evidence, hostile_document, large_document, login_document, rich_document
from truetier.catalog.evidence import Assumption
from truetier.graph.hardness import Reading
from truetier.report.terminal import render

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_login_says_what_is_promised_delivered_and_why() -> None:
    shown = render(login_document())
    assert "MISSED  login\n" in shown
    assert re.search(r"promises +T1 +99\.99% +52\.56 min/yr", shown)
    assert re.search(r"delivers +T3 +99\.7901% +18\.385 h/yr +exact", shown)
    assert re.search(r"47\.6% +user-profile", shown)
    assert re.search(r"47\.6% +fraud-detection", shown)
    assert re.search(r"4\.8% +login", shown)
    assert "truetier.yaml:2:32: login -> user-profile" in shown
    assert "as of 2026-11-23" in shown
    assert shown.endswith("Promises: 1 missed, 2 met. Findings: 2 errors, 0 warnings, 0 notes.\n")


def test_login_fits_on_one_small_screen() -> None:
    lines = render(login_document()).splitlines()
    assert len(lines) <= 26
    assert all(len(line) <= 100 for line in lines)


def test_without_colour_there_is_no_escape() -> None:
    for build in DOCUMENTS.values():
        assert "\x1b" not in render(build())


def test_colour_changes_nothing_but_colour() -> None:
    for build in DOCUMENTS.values():
        document = build()
        assert ANSI.sub("", render(document, color=True)) == render(document)
    assert "\x1b[" in render(login_document(), color=True)


@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_names_cannot_leave_their_place(verbose: bool) -> None:  # noqa: FBT001 - a parameter of the test
    shown = render(hostile_document(), color=True, verbose=verbose)
    left = ANSI.sub("", shown)
    assert all(sign.isprintable() or sign == "\n" for sign in left)
    assert not any(line.startswith("::") for line in left.splitlines())
    assert "\x1b[31m\n" not in shown
    assert "\\x1b[31m\\n::error::x" in left


def test_an_enormous_name_takes_little_room() -> None:
    assert len(render(hostile_document("x" * 200_000))) < 1_000_000


def test_the_width_is_kept_where_words_can_be_broken() -> None:
    for line in render(rich_document(), width=70).splitlines():
        assert len(line) <= 70 or "  " in line.strip() or " " not in line.strip()


def test_a_large_fleet_is_cut_and_says_so() -> None:
    document = large_document(500)
    shown = render(document)
    assert len(shown.splitlines()) < 120
    assert "... and 480 more" in shown
    assert "more missed promises, below" in shown
    assert "... and 40 more" in shown


def test_verbose_leaves_nothing_out() -> None:
    document = large_document(500)
    shown = render(document, verbose=True)
    assert "... and" not in shown
    assert all(subject.name in shown for subject in document.services)


def test_an_interval_is_shown_as_one() -> None:
    shown = render(rich_document())
    assert re.search(r"mystery +T1 +99\.99% +T4 +50% to 100% +0 min/yr to 182\.5 d/yr +unknown", shown)


def test_doubts_are_named() -> None:
    shown = render(rich_document())
    assert "sources disagree on 1 value" in shown
    assert "checkout tier: T1 (truetier.yaml:2:10) against T2 (team/truetier.yaml:1:1); T1 is used" in shown
    assert "not read: notes.txt: not a format truetier reads" in shown
    assert "matches no service: shoppingassistantservice" in shown
    assert "not judged: 2 (capacity, capacity payments)" in shown
    assert "Not shown: 2 findings (1 waived, 1 in the baseline)" in shown


def test_assumptions_are_counted_and_listed_when_asked() -> None:
    document = login_document()
    assert "assumed: 2 values nobody stated (availability, broker)" in render(document)
    assert "login availability = 99.99%: not stated: taken from the promise" in render(document, verbose=True)


def test_manifests_alone_say_that_silence_is_no_proof() -> None:
    document = login_document()
    services = {name: item._replace(evidence=evidence(source="kubernetes")) for name, item in document.fleet.services.items()}
    from_manifests = document._replace(fleet=document.fleet._replace(services=services))
    assert "no declared edge is not the same as no dependency" in render(from_manifests)
    assert "no declared edge" not in render(document)


def test_the_verified_reading_judges_by_verified_claims() -> None:
    shown = render(login_document()._replace(trust=Reading.VERIFIED))
    assert "Judged by verified claims alone" in shown
    assert re.search(r"delivers +T3 +99\.2912% +62\.094 h/yr", shown)
    assert re.search(r"declared +T3 +99\.7901%", shown)


def test_nothing_to_report_is_still_a_report() -> None:
    shown = render(DOCUMENTS["empty"]())
    assert shown.startswith("truetier  0 services, 0 edges, as of 2026-11-23")
    assert "Promises: 0 missed, 0 met." in shown


def test_hostile_assumption_keys_are_clipped() -> None:
    document = login_document()._replace(assumptions=(Assumption("a", "k\x1b" * 500, "v", "w"),))
    assert len(render(document)) < 4_000
