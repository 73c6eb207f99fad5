from __future__ import annotations

import json
from typing import TYPE_CHECKING

from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_commands_take_a_compiled_catalog_in_place_of_its_sources(cli: Cli, login: Path) -> None:
    made = cli("compile", login.name, "-o", "fleet.compiled")
    assert made == (Exit.CLEAN, "", "compiled 4 services and 3 needs of 1 file to fleet.compiled\n")
    for arguments in (
        ("check", "--format", "json"),
        ("explain", "login"),
        ("simulate", "--years", "20"),
        ("boot-order",),
        ("export", "--format", "dot"),
    ):
        assert cli(*arguments, "fleet.compiled") == cli(*arguments, login.name), arguments
    assert cli("diff", "fleet.compiled", login.name).out == "no difference\n"


def test_a_changed_source_is_exit_code_3(cli: Cli, login: Path) -> None:
    cli("compile", "-o", "fleet.compiled")
    login.write_text(login.read_text().replace("T2", "T3", 1))
    refused = cli("check", "fleet.compiled")
    assert refused.code == Exit.UNUSABLE_INPUT
    assert "truetier.yaml has changed" in refused.err
    assert "truetier compile PATH... -o fleet.compiled" in refused.err


def test_it_is_neither_merged_nor_compared_with_the_past(cli: Cli, login: Path) -> None:
    cli("compile", login.name, "-o", "fleet.compiled")
    refused = cli("check", "fleet.compiled", login.name)
    assert (refused.code, "it is read alone" in refused.err) == (Exit.UNUSABLE_INPUT, True)
    assert cli("check", "fleet.compiled", "--against", "HEAD").code == Exit.USAGE


def test_a_compiled_catalog_is_not_written_over_its_source(cli: Cli, login: Path) -> None:
    before = login.read_text()
    assert cli("compile", login.name, "-o", login.name).code == Exit.USAGE
    assert login.read_text() == before


def test_a_folder_with_a_compiled_catalog_in_it_is_read_as_before(cli: Cli, login: Path) -> None:
    cli("compile", "-o", "fleet.compiled")
    document = json.loads(cli("check", "--format", "json", str(login.parent)).out)
    assert document["catalog"]["services"] == 4
    assert cli("compile", "-o", "fleet.compiled").code == Exit.CLEAN
    assert cli("check", "fleet.compiled", "--fail-on", "never").code == Exit.CLEAN
