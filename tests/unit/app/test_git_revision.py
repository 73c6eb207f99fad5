from __future__ import annotations

import os
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.unit.app.inputs import CATALOG, COMPOSE, write
from truetier.app.check import check
from truetier.app.from_sources import ABSENT
from truetier.app.load import load_fleet, load_fleet_at
from truetier.errors import CatalogError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def run(git: str, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
    subprocess.run([git, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def work_tree(tmp_path: Path, git: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, and changes since."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    tree = tmp_path / "tree"
    write(tree, truetier_yaml=CATALOG, deploy__compose_yaml=COMPOSE, deploy__b_md="x", deploy__hidden__x_yaml="a: b")
    (tree / "deploy" / ".env").write_text("X=1\n")
    monkeypatch.chdir(tree)
    run(git, "init")
    run(git, "add", ".")
    run(git, "commit", "-m", "one")
    write(tree, truetier_yaml=CATALOG.replace("profile", "person"), added__truetier_yaml="services: {new: {tier: 1}}")
    return tree


def test_the_same_paths_are_read_as_they_were(work_tree: Path) -> None:
    assert sorted(load_fleet(["truetier.yaml"]).services) == ["login", "person"]
    past = load_fleet_at(["truetier.yaml"], "HEAD")
    assert sorted(past.services) == ["login", "profile"]
    place = past.services["login"].evidence.place
    assert place is not None
    assert place.file == "truetier.yaml"
    assert sorted(load_fleet_at([str(work_tree)], "main").services) == ["login", "profile", "site", "store"]


def test_an_unchanged_folder_gives_the_same_fleet(work_tree: Path) -> None:
    assert load_fleet_at([str(work_tree / "deploy")], "HEAD") == load_fleet([str(work_tree / "deploy")])
    assert load_fleet_at(["deploy"], "HEAD") == load_fleet(["deploy"])


def test_paths_are_found_from_a_folder_inside(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work_tree / "deploy")
    assert sorted(load_fleet_at(["../truetier.yaml", "."], "HEAD").services) == ["login", "profile", "site", "store"]


@pytest.mark.usefixtures("work_tree")
def test_what_did_not_exist_then_is_no_mistake() -> None:
    assert not load_fleet_at(["added"], "HEAD").services
    assert sorted(load_fleet_at(["added/truetier.yaml", "truetier.yaml"], "HEAD").services) == ["login", "profile"]


def test_a_file_under_a_new_name_is_said_to_be_compared_with_nothing(work_tree: Path) -> None:
    (work_tree / "truetier.yaml").rename(work_tree / "fleet.yaml")
    for paths, absent in ((["fleet.yaml", "deploy"], ["HEAD:fleet.yaml"]), (["."], [])):
        document = check(paths, as_of=date(2026, 11, 23), against="HEAD")
        assert [item.subject for item in document.unread if item.reason == ABSENT] == absent


@pytest.mark.usefixtures("work_tree")
@pytest.mark.parametrize("reference", ["nobranch", "", "--help", "HEAD:truetier.yaml", "HEAD..HEAD", "\0"])
def test_an_unknown_revision_is_a_usage_error(reference: str) -> None:
    with pytest.raises(UsageError):
        load_fleet_at(["truetier.yaml"], reference)


def test_outside_a_work_tree_there_is_nothing_to_compare_with(tmp_path: Path, git: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path, truetier_yaml=CATALOG)
    with pytest.raises(UsageError, match="no git work tree"):
        load_fleet_at([str(tmp_path / "truetier.yaml")], "HEAD")


def test_standard_input_has_no_past() -> None:
    with pytest.raises(UsageError, match="standard input"):
        load_fleet_at(["-"], "HEAD")


def test_without_git_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git program is not installed"):
        load_fleet_at([str(tmp_path)], "HEAD")


def test_mistakes_of_the_past_are_told_as_mistakes(work_tree: Path, git: str) -> None:
    write(work_tree, bad_yaml="a: b")
    run(git, "add", ".")
    run(git, "commit", "-m", "two")
    with pytest.raises(CatalogError, match=r"^HEAD: bad\.yaml is no truetier catalog"):
        load_fleet_at(["bad.yaml"], "HEAD")
    write(work_tree, truetier_yaml="servces: {}")
    run(git, "commit", "-am", "three")
    with pytest.raises(CatalogError, match=r"HEAD:truetier\.yaml:1:1: .*'servces'"):
        load_fleet_at(["truetier.yaml"], "HEAD")


def test_links_inside_the_tree_are_followed(work_tree: Path, git: str) -> None:
    (work_tree / "link.yaml").symlink_to("truetier.yaml")
    (work_tree / "loose.yaml").symlink_to("gone.yaml")
    run(git, "add", ".")
    run(git, "commit", "-m", "links")
    assert sorted(load_fleet_at(["link.yaml"], "HEAD").services) == ["login", "person"]
    assert not load_fleet_at(["loose.yaml"], "HEAD").services
