"""The first five minutes, and what a careless hand types."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import LOGIN, written
from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_the_starter_that_init_writes_can_be_checked_at_once(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("init")
    assert outcome.code == Exit.CLEAN
    assert "truetier check" in outcome.out
    assert cli("check").code in (Exit.CLEAN, Exit.FINDINGS)
    assert (tmp_path / "truetier.yaml").read_text().count("#") > 5


def test_init_takes_a_folder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    assert cli("init", "services").code == Exit.CLEAN
    assert (tmp_path / "services" / "truetier.yaml").is_file()


def test_init_never_overwrites_by_accident(cli: Cli, clean: Path) -> None:
    before = clean.read_text()
    outcome = cli("init")
    assert outcome.code == Exit.USAGE
    assert "--force" in outcome.err
    assert clean.read_text() == before
    assert cli("init", "--force").code == Exit.CLEAN
    assert clean.read_text() != before


def test_checking_a_folder_of_nothing_says_how_to_begin(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("check")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert "truetier init" in outcome.err
    tmp_path.joinpath("truetier.yaml").symlink_to("truetier.yaml")
    assert "truetier init" not in cli("check").err


def test_a_misspelt_command_is_told_the_right_one(cli: Cli) -> None:
    assert "did you mean check?" in cli("chekc").err


def test_a_path_in_place_of_a_command_is_told_to_check_it(cli: Cli, clean: Path) -> None:
    assert f"truetier check {clean.name}" in cli(clean.name).err


def test_a_misspelt_option_is_told_the_right_one(cli: Cli) -> None:
    assert "--format" in cli("check", "--fromat", "json").err


def test_a_misspelt_rule_is_told_the_right_one(cli: Cli, clean: Path) -> None:
    assert "inversion" in cli("check", str(clean), "--select", "inversoin").err


def test_a_misspelt_service_is_told_the_right_one(cli: Cli, login: Path) -> None:
    assert "user-profile" in cli("explain", "user-profil", str(login)).err
    assert "did you mean login?" in cli("explain", "LOGIN", str(login)).err


def test_a_misspelt_file_is_told_the_right_one(cli: Cli, clean: Path) -> None:
    assert clean.is_file()
    assert "did you mean truetier.yaml?" in cli("check", "truetier.yml").err


def test_the_beginning_of_a_command_is_told_the_whole(cli: Cli) -> None:
    assert "did you mean boot-order?" in cli("boot").err
    assert "there are boot-order, check," in cli("fleet").err


def test_a_service_in_place_of_a_path_is_told_to_explain_it(cli: Cli, login: Path) -> None:
    assert login.is_file()
    outcome = cli("check", "login")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert "truetier explain login" in outcome.err
    assert cli("check", "").err == "truetier: '' does not exist\n"


@pytest.mark.parametrize("day", ["23.11.2026", "2026-02-30", "20261123", "2026-W48-1", "2026-11-23T00:00:00"])
def test_a_date_that_is_none_is_told_the_form(cli: Cli, clean: Path, day: str) -> None:
    assert "2026-11-23" in cli("check", str(clean), "--as-of", day).err


@pytest.mark.parametrize("content", [b"\x00\x01\x02\xff" * 100, b"just some words\n", b"\xff\xfe\x00", b"{{{", b""])
def test_a_wrong_file_named_on_purpose_is_unusable(cli: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong.yaml").write_bytes(content)
    outcome = cli("check", "wrong.yaml")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert "wrong.yaml" in outcome.err
    assert "Traceback" not in outcome.err


def test_the_same_input_gives_the_same_bytes(cli: Cli, login: Path) -> None:
    for form in ("terminal", "json", "sarif", "junit", "github", "markdown", "html"):
        arguments = ("check", str(login), "--format", form, "--as-of", "2026-11-23", "--fail-on", "never")
        first, second = cli(*arguments), cli(*arguments)
        assert first == second
        assert first.out
        assert first.err == ""


def test_output_goes_to_the_file_and_nowhere_else(cli: Cli, login: Path, tmp_path: Path) -> None:
    outcome = cli("check", str(login), "--format", "json", "-o", "out.json", "--report", "out.html")
    assert (outcome.code, outcome.out, outcome.err) == (Exit.FINDINGS, "", "")
    assert (tmp_path / "out.json").read_text().startswith("{")
    assert "<html" in (tmp_path / "out.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.html", "out.json", "truetier.yaml"]


def test_an_output_that_cannot_be_written_leaves_no_trace_and_says_why(cli: Cli, clean: Path, tmp_path: Path) -> None:
    assert "there is no folder" in cli("check", str(clean), "-o", "missing/out.txt").err
    assert "directory" in cli("check", str(clean), "-o", str(tmp_path)).err
    assert [path.name for path in tmp_path.iterdir()] == ["truetier.yaml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--report", "truetier.yaml"),
        ("check", "-o", "truetier.yaml"),
        ("check", "truetier.yaml", "--write-baseline", "./truetier.yaml"),
        ("explain", "login", "-o", "truetier.yaml"),
        ("export", "--format", "dot", "-o", "link.yml"),
        ("check", "fleet.json", "--format", "json", "-o", "fleet.json"),
        ("check", "--report", "same.html", "--output", "./same.html"),
    ],
    ids=" ".join,
)
def test_no_output_costs_a_catalog_or_another_output(cli: Cli, login: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "fleet.json").write_text('{"services": {"login": {"tier": "T1"}}}')
    (tmp_path / "link.yml").symlink_to(login)
    before = login.read_bytes(), (tmp_path / "fleet.json").read_bytes()
    if arguments[1] == "fleet.json":
        login.unlink()
        before = b"", before[1]
    outcome = cli(*arguments)
    assert outcome.code == Exit.USAGE
    assert outcome.err.startswith("truetier: ")
    assert (login.read_bytes() if login.exists() else b"", (tmp_path / "fleet.json").read_bytes()) == before
    assert not (tmp_path / "same.html").exists()


def test_a_new_file_gets_the_usual_permissions_and_an_old_one_keeps_its_own(cli: Cli, clean: Path, tmp_path: Path) -> None:
    cli("check", str(clean), "-o", "new.txt")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o666 & ~mask
    (tmp_path / "new.txt").chmod(0o640)
    cli("check", str(clean), "-o", "new.txt")
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_and_stays(cli: Cli, clean: Path, tmp_path: Path) -> None:
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("target.txt")
    cli("check", str(clean), "-o", "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text().startswith("truetier")


def test_colours_are_for_people(cli: Cli, login: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("check", str(login))
    assert "\x1b[" not in cli(*arguments).out
    assert "\x1b[" in cli(*arguments, "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cli(*arguments).out
    assert "\x1b[" not in cli(*arguments, "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in cli(*arguments).out


def test_every_command_has_help_with_examples(cli: Cli) -> None:
    listed = cli("--help").out
    for name in ("boot-order", "check", "diff", "explain", "export", "import", "init", "schema"):
        assert f"\n  {name} " in listed
        text = cli(name, "--help").out
        assert "Examples:" in text, name
        assert f"truetier {name}" in text, name


def test_a_hostile_name_does_not_reach_the_terminal(cli: Cli, tmp_path: Path) -> None:
    name = '"a\\e[31m\\u202ered"'
    wait = f"{{service: {name}, phase: [start, serve]}}"
    written(
        tmp_path / "truetier.yaml",
        f'services:\n  {name}: {{tier: T1, needs: ["b\\e]0;title\\a"]}}\n  "b\\e]0;title\\a": {{needs: [{wait}]}}\n',
    )
    written(tmp_path / "old.yaml", "services: {x: {tier: T1}}\n")
    commands = [("check",), ("check", "-v"), ("explain", "a\x1b[31m\u202ered"), ("explain", "\x1b[31m"), ("boot-order",)]
    commands += [("diff", "old.yaml", "truetier.yaml"), ("check", "no\x1b[31msuch\u202epath"), ("\x1b[31m",), ("check", "--\x1b[31m")]
    for command in commands:
        outcome = cli(*command)
        assert not {"\x1b", "\u202e", "\a"} & set(outcome.out + outcome.err), command


# What only a process of its own can show.


def process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "truetier", *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, timeout=60, check=False
    )


def test_a_terminal_that_knows_no_unicode_gets_escapes(tmp_path: Path) -> None:
    written(tmp_path / "truetier.yaml", "services:\n  käse: {tier: T1, needs: [brot]}\n  brot: {tier: T2}\n")
    done = process("check", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == Exit.FINDINGS
    assert b"k\\xe4se" in done.stdout
    assert process("check", "--format", "markdown", cwd=tmp_path, PYTHONIOENCODING="ascii").stdout.decode("utf-8").count("käse")


def test_a_reader_that_stops_reading_does_not_change_the_verdict(tmp_path: Path) -> None:
    wide = "".join(f"  service-{number}: {{tier: T1, owner: us, needs: [weak]}}\n" for number in range(2000))
    written(tmp_path / "truetier.yaml", f"services:\n  weak: {{tier: T3}}\n{wide}")
    script = f'"{sys.executable}" -m truetier check -v | head -1; exit "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (Exit.FINDINGS, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the program /dev/full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    written(tmp_path / "truetier.yaml", "services:\n  a: {tier: T1, owner: us}\n")
    script = f'"{sys.executable}" -m truetier check > /dev/full'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == Exit.USAGE
    assert done.stderr.decode() == "truetier: cannot write to standard output: no space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the program /dev/full")
def test_a_full_disk_is_told_to_who_asks_for_help(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m truetier --help > /dev/full'], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == Exit.USAGE
    assert done.stderr.decode() == "truetier: cannot write: no space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs the program /dev/stdout")
def test_a_report_can_go_down_a_pipe_by_the_name_of_standard_output(tmp_path: Path) -> None:
    written(tmp_path / "truetier.yaml", "services:\n  a: {tier: T1, owner: us}\n")
    done = process("check", "-o", os.devnull, "--report", "/dev/stdout", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (Exit.CLEAN, b"")
    assert done.stdout.startswith(b"<!doctype html>")


def test_a_closed_standard_input_holds_no_catalog(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m truetier check - <&-'], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (Exit.UNUSABLE_INPUT, b"truetier: <stdin> is closed\n")


def test_a_pipe_that_nobody_fills_is_no_baseline_to_wait_for(tmp_path: Path) -> None:
    written(tmp_path / "truetier.yaml", "services:\n  a: {tier: T1, owner: us}\n")
    os.mkfifo(tmp_path / "known.json")
    done = process("check", "--baseline", "known.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (Exit.UNUSABLE_INPUT, b"truetier: the baseline known.json is a named pipe, not a file\n")


def test_a_name_that_breaks_the_line_does_not_speak_for_us(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "a\n::error file=x::all is lost\n"
    folder.mkdir()
    written(folder / "truetier.yaml", "servces: {}\n")
    outcome = cli("check", ".")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert len(outcome.err.splitlines()) == 2
    written(folder / "truetier.yaml", LOGIN)
    assert not any(line.startswith("::error file=x") for line in cli("check", ".", "--format", "github").out.splitlines())


def test_the_module_runs_as_the_command_does(tmp_path: Path) -> None:
    assert process("--version", cwd=tmp_path).stdout.startswith(b"truetier, version ")
