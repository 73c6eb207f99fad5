"""What the experiments showed goes between the marks of the page, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truetier.errors import SourceError
from truetier_lab.declared import Declared
from truetier_lab.experiment import Pair, Result
from truetier_lab.planted import JOURNEYS
from truetier_lab.report import of_declared, write

if TYPE_CHECKING:
    from pathlib import Path

END = "<!-- end of what make lab writes -->"
PAGE = f"# Lab\n<!-- measured: written by make lab -->\nold\n{END}\nbetween\n<!-- as declared: written by make lab -->\nold\n{END}\nlast\n"


def result(computed: float, measured: float) -> Result:
    pairs = tuple(Pair(0, journey, 100, computed, computed - 0.05, computed + 0.05, measured) for journey in JOURNEYS)
    return Result(pairs, ("x -> y: soft, not hard",), 2, 1, 7, 0.1, 3.0)


DECLARED = Declared(("TT204 fallback-never-exercised: a -> b",), (), result(0.9, 0.92), result(0.8, 0.79))


def test_each_block_is_replaced_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "lab.md"
    page.write_text(PAGE)
    write(result(0.9, 0.92), DECLARED, page)
    first = page.read_text()
    lines = first.splitlines()
    assert lines[0] == "# Lab"
    assert lines[-1] == "last"
    assert "between" in lines
    assert "old" not in lines
    assert lines.count(END) == 2
    assert "Verdicts found of those planted: 35 of 36." in lines
    assert lines.index("Findings without the facts of the guards: 1.") > lines.index("between")
    assert (tmp_path / "lab.svg").read_text().startswith("<svg")
    write(result(0.9, 0.92), DECLARED, page)
    assert page.read_text() == first


@pytest.mark.parametrize("missing", ["measured", "as declared"])
def test_a_page_without_a_mark_is_refused_and_stays_as_it_is(missing: str, tmp_path: Path) -> None:
    page = tmp_path / "lab.md"
    page.write_text(PAGE.replace(f"<!-- {missing}", "<!-- other"))
    before = page.read_text()
    with pytest.raises(SourceError, match=missing):
        write(result(0.9, 0.92), DECLARED, page)
    assert page.read_text() == before


def test_what_breakers_cost_is_told_as_computed_and_as_measured() -> None:
    assert of_declared(DECLARED).splitlines()[-1].endswith("all 10.00% computed, 13.00% measured.")


@pytest.mark.parametrize(
    ("declared", "holds"),
    [
        (DECLARED, True),
        (DECLARED._replace(before=()), False),  # nothing to answer
        (DECLARED._replace(after=("TT207 class-contradicted: a -> b",)), False),
        (DECLARED._replace(with_breakers=result(0.8, 0.5)), False),
    ],
)
def test_it_holds_where_facts_answer_every_finding_and_both_runs_match(declared: Declared, *, holds: bool) -> None:
    assert declared.holds == holds
    assert (": as asked" in of_declared(declared)) == holds
