from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.unit.app.inputs import CATALOG, COMPOSE, DEPLOYMENT, SERVICE, write
from truetier import __version__
from truetier.app.check import check
from truetier.app.compile import FORMAT, compiled
from truetier.app.load import load_fleet
from truetier.app.render import render
from truetier.errors import CatalogError, SourceError, UsageError
from truetier.units import parse_day

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = "compile it again: truetier compile PATH... -o fleet.compiled"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compile_to(folder: Path, *paths: str, file: str = "fleet.compiled") -> bytes:
    content = compiled(paths, file).content
    (folder / file).write_bytes(content)
    return content


def refusal(file: str = "fleet.compiled") -> str:
    with pytest.raises(SourceError) as error:
        load_fleet([file])
    return str(error.value)


def test_a_compiled_catalog_is_the_fleet_of_its_sources(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG, k8s__web_yaml=DEPLOYMENT, k8s__cart_yml=SERVICE, compose_yaml=COMPOSE, notes_txt="x")
    compile_to(tmp_path, ".")
    fleet, again = load_fleet(["."]), load_fleet(["fleet.compiled"])
    assert again._replace(skipped=()) == fleet._replace(skipped=())
    assert again.digest == fleet.digest
    assert [item for item in fleet.skipped if item.subject != "fleet.compiled"] == list(again.skipped)


def test_a_check_of_it_says_the_same(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    compile_to(tmp_path, "truetier.yaml")
    day = parse_day("2026-11-23")
    assert day is not None
    first, second = (json.loads(render(check([path], as_of=day), "json")) for path in ("truetier.yaml", "fleet.compiled"))
    assert first == second


def test_it_says_how_much_it_holds(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG + "  shop: {endpoints: {buy: {needs: [login]}}}\n")
    made = compiled(["truetier.yaml"], "fleet.compiled")
    assert made[1:] == (3, 2, 1)


def test_it_finds_its_sources_from_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG)
    (tmp_path / "out").mkdir()
    compile_to(tmp_path, "a", file="out/fleet.compiled")
    fleet = load_fleet(["out/fleet.compiled"])
    monkeypatch.chdir(tmp_path / "out")
    assert load_fleet(["fleet.compiled"]) == fleet
    tmp_path.rename(tmp_path.parent / "moved")
    assert load_fleet([str(tmp_path.parent / "moved" / "out" / "fleet.compiled")]) == fleet


def test_a_source_that_changed_or_is_gone_is_named(tmp_path: Path) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG, a__compose_yaml=COMPOSE)
    compile_to(tmp_path, "a")
    write(tmp_path, a__truetier_yaml=CATALOG + "# changed\n")
    (tmp_path / "a" / "compose.yaml").unlink()
    assert refusal() == (
        f"fleet.compiled is not what its sources say any more; {AGAIN}"
        "\n  a/compose.yaml does not exist\n  a/truetier.yaml has changed\n  a holds other files"
    )


def test_of_many_changes_the_first_are_named(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path, **{f"a__{number}_yaml": CATALOG})
    compile_to(tmp_path, "a")
    for number in range(30):
        (tmp_path / "a" / f"{number}.yaml").unlink()
    assert refusal().splitlines()[-1] == "  and 11 more"


def test_a_file_that_came_into_a_folder_is_a_change_and_another_is_none(tmp_path: Path) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG)
    compile_to(tmp_path, "a")
    write(tmp_path, a__README_md="# Read me")
    assert len(load_fleet(["fleet.compiled"]).services) == 2
    write(tmp_path, a__more_yaml=COMPOSE)
    assert refusal().endswith("\n  a holds other files")


def test_one_of_another_format_or_truetier_is_refused(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    content = compile_to(tmp_path, "truetier.yaml")
    (tmp_path / "fleet.compiled").write_bytes(content[:13] + b"\x07\0\0\0" + content[17:])
    assert refusal() == f"fleet.compiled is compiled in format 7, this truetier reads format {FORMAT}; {AGAIN}"
    (tmp_path / "fleet.compiled").write_bytes(content.replace(__version__.encode(), b"9" * len(__version__), 1))
    assert refusal() == f"fleet.compiled was compiled by truetier {'9' * len(__version__)}, this is {__version__}; {AGAIN}"


def test_a_damaged_one_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    content = compile_to(tmp_path, "truetier.yaml")
    for at in range(17, len(content), 11):
        (tmp_path / "fleet.compiled").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert "fleet.compiled" in refusal()
    for length in range(13, len(content), 11):
        (tmp_path / "fleet.compiled").write_bytes(content[:length])
        assert "fleet.compiled" in refusal()


def sealed(content: bytes, old: bytes, new: bytes) -> bytes:
    """The same with something changed by somebody who can compute a checksum."""
    at = 13 + 4 + 4 + len(__version__)
    body = content[at + 32 :].replace(old, new)
    assert body != content[at + 32 :]
    return content[:at] + sha256(content[:at] + body).digest() + body


@pytest.mark.parametrize("path", ["/etc/password", "-------------"])
def test_one_that_asks_for_any_file_of_the_machine_is_refused(tmp_path: Path, path: str) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    content = compile_to(tmp_path, "truetier.yaml")
    (tmp_path / "fleet.compiled").write_bytes(sealed(content, b"truetier.yaml", path.encode()))
    assert refusal().startswith("fleet.compiled is ")


def test_one_whose_numbers_lead_nowhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    content = compile_to(tmp_path, "truetier.yaml")
    (tmp_path / "fleet.compiled").write_bytes(sealed(content, b"B\x01" + bytes(7) + b"\x02", b"B\x01" + bytes(7) + b"\x7f"))
    assert refusal() == f"fleet.compiled is a damaged compiled catalog; {AGAIN}"


def test_it_is_read_alone(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    compile_to(tmp_path, "truetier.yaml")
    with pytest.raises(CatalogError, match="it is read alone"):
        load_fleet(["fleet.compiled", "truetier.yaml"])


def test_what_cannot_be_found_again_is_not_compiled(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    with pytest.raises(UsageError, match="name a file"):
        compiled(["-"], "fleet.compiled")
    read_end, write_end = os.pipe()
    try:
        with pytest.raises(UsageError, match="name a file"):
            compiled([f"/dev/fd/{read_end}"], "fleet.compiled")
    finally:
        os.close(read_end)
        os.close(write_end)
    with pytest.raises(UsageError, match="by its name it is a catalog"):
        compiled(["truetier.yaml"], "fleet.yaml")


def test_mistakes_of_the_sources_are_said_when_they_are_compiled(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml="services: {a: {needs: [b]}}")
    with pytest.raises(CatalogError, match="no service has that name"):
        compiled(["truetier.yaml"], "fleet.compiled")


def test_one_that_cannot_be_opened_is_no_compiled_catalog(tmp_path: Path) -> None:
    assert "does not exist" in refusal("nowhere")
    (tmp_path / "short").write_bytes(b"\x8b")
    with pytest.raises(CatalogError):
        load_fleet(["short"])
