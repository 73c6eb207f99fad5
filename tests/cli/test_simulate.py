"""``truetier simulate`` on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(cli: Cli, login: Path) -> None:
    first = cli("simulate", str(login), "--years", "50")
    assert first.code == Exit.CLEAN
    assert first.err == ""
    assert cli("simulate", str(login), "--years", "50").out == first.out
    assert cli("simulate", str(login), "--years", "50", "--seed", "2").out != first.out


def test_without_journeys_what_nobody_needs_is_simulated(cli: Cli, login: Path) -> None:
    found = json.loads(cli("simulate", str(login), "--years", "20", "--format", "json").out)
    assert [subject["name"] for subject in found["subjects"]] == ["login"]


def test_subjects_are_simulated_in_the_order_they_are_named(cli: Cli, login: Path) -> None:
    arguments = ("--years", "20", "--subject", "user-profile", "--subject", "login", "--subject", "login", "--format", "json")
    found = json.loads(cli("simulate", str(login), *arguments).out)
    assert [subject["name"] for subject in found["subjects"]] == ["user-profile", "login"]
    assert found["schema"] == "truetier/simulate/1"
    assert found["years"] == 20
    assert found["precision"] is None
    exact = found["subjects"][1]["exact_minutes_per_year"]
    assert exact["low"] == exact["high"] == pytest.approx(1103.1293, abs=1e-3)


def test_a_run_says_how_many_years_it_needed(cli: Cli, login: Path) -> None:
    found = json.loads(cli("simulate", str(login), "--precision", "3%", "--format", "json").out)
    assert found["precision_met"] is True
    assert found["years"] > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--subject", "logn"), "nothing is named 'logn'; did you mean login?"),
        (("--years", "0"), "invalid value for '--years': 0 is not in the range 2<=x<=1000000."),
        (("--years", "many"), "invalid value for '--years': 'many' is not a valid integer range."),
        (("--seed", "-1"), "invalid value for '--seed': -1 is not in the range 0<=x<=9223372036854775807."),
        (("--precision", "0"), "invalid value for '--precision': expected a share from 0.1% to 50%, found '0'"),
        (("--precision", "5"), "invalid value for '--precision': expected a percentage like 99.9% or a number from 0 to 1"),
        (("--by-hand", "soon"), "invalid value for '--by-hand': expected a duration like 800ms, 90s, 30m, 2h or 1d, found 'soon'"),
        (("--outages", "uniform"), "invalid value for '--outages': 'uniform' is not one of 'exponential', 'lognormal', 'fixed'."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(cli: Cli, login: Path, arguments: tuple[str, ...], message: str) -> None:
    outcome = cli("simulate", str(login), *arguments)
    assert outcome.code == Exit.USAGE
    assert outcome.out == ""
    assert message in outcome.err


def test_a_fleet_nobody_can_simulate_is_not_enough_data(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "truetier.yaml").write_text("services:\n  api: {needs: [cache]}\n  cache: {}\n")
    outcome = cli("simulate")
    assert outcome.code == Exit.NOT_ENOUGH_DATA
    assert "not simulated: api: nobody knows how often api is down" in outcome.out
    assert json.loads(cli("simulate", "--format", "json").out)["not_simulated"][0]["name"] == "api"


def test_a_service_in_a_boot_loop_is_told_apart_from_what_it_delivers(cli: Cli, tmp_path: Path) -> None:
    catalog = "services:\n  a: {availability: 99%, needs: [{service: b, phase: start}]}\n  b: {availability: 99%, needs: [a]}\n"
    (tmp_path / "truetier.yaml").write_text(catalog)
    arguments = ("simulate", "--subject", "a", "--years", "200", "--format", "json")
    usual, long = (json.loads(cli(*arguments, "--by-hand", time).out)["subjects"][0] for time in ("10m", "3h"))
    assert usual["year"] == long["year"]
    assert usual["waiting_to_start"]["members"] == ["a", "b"]
    means = [found["waiting_to_start"]["outage_minutes"]["value"] for found in (usual, long)]
    assert means == [pytest.approx(70, rel=0.05), pytest.approx(240, rel=0.05)]


def test_a_boot_loop_with_a_part_nobody_knows_is_listed(cli: Cli, tmp_path: Path) -> None:
    catalog = "services:\n  a: {availability: 99%, needs: [{service: b, phase: start}]}\n  b: {needs: [a]}\n"
    (tmp_path / "truetier.yaml").write_text(catalog)
    outcome = cli("simulate", "--subject", "a", "--years", "20")
    assert outcome.code == Exit.CLEAN
    assert "not simulated: boot loops: nobody knows how often b is down" in outcome.out


def test_other_lengths_leave_ages_without_a_comparison(cli: Cli, tmp_path: Path) -> None:
    fallback = "{kind: cached, staleness: 30m}"
    catalog = f"services:\n  a: {{availability: 100%, needs: [{{service: b, timeout: 50ms, fallback: {fallback}}}]}}\n  b: {{tier: 2}}\n"
    (tmp_path / "truetier.yaml").write_text(catalog)
    assert "not comparable" not in cli("simulate", "--years", "20").out
    assert "not comparable" in cli("simulate", "--years", "20", "--outages", "fixed").out


def test_more_years_than_fit_in_memory_are_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "truetier.yaml").write_text("services:\n" + "".join(f"  s{number}: {{tier: 2}}\n" for number in range(12)))
    outcome = cli("simulate", "--years", "1000000")
    assert outcome.code == Exit.USAGE
    assert "1,000,000 years of 12 subjects are too many to keep; name fewer, or at most 833,333 years" in outcome.err


def test_what_is_exactly_known_as_an_interval_is_held_against_it(cli: Cli, tmp_path: Path) -> None:
    ages = "".join(
        f"  a{number}: {{availability: 100%, needs: [{{service: b, timeout: 1ms, fallback: {{kind: cached, staleness: {number}0m}}}}]}}\n"
        for number in range(1, 12)
    )
    all_of = "  a: {availability: 100%, needs: [" + ", ".join(f"a{number}" for number in range(1, 12)) + "]}\n"
    group = "  c: {availability: 100%, needs: [{k: 9, of: [" + ", ".join(f"a{number}" for number in range(1, 12)) + "]}]}\n"
    (tmp_path / "truetier.yaml").write_text(f"services:\n{all_of}{group}{ages}  b: {{availability: 95%}}\n")
    out = cli("simulate", "--subject", "c", "--years", "50").out
    assert "exact mean between " in out


def test_help_shows_examples(cli: Cli) -> None:
    out = cli("simulate", "--help").out
    assert "Examples:" in out
    assert "truetier simulate --years 10000 --seed 7" in out
