from __future__ import annotations

import gzip
import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.app.inputs import CATALOG, COMPOSE, DEPLOYMENT, SERVICE, write
from truetier.app.load import load_fleet
from truetier.errors import CatalogError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.catalog.model import Fleet


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def edges(fleet: Fleet) -> list[tuple[str, str]]:
    return [(service.name, need.service) for service in fleet.services.values() for need in service.needs]


def skipped(fleet: Fleet) -> dict[str, str]:
    return {item.subject: item.reason for item in fleet.skipped}


def test_a_catalog_a_manifest_and_a_compose_file_make_one_fleet(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG, k8s__web_yaml=DEPLOYMENT, k8s__cart_yml=SERVICE, compose_yaml=COMPOSE)
    fleet = load_fleet(["."])
    assert sorted(fleet.services) == ["cart", "login", "profile", "site", "store", "web"]
    assert sorted(edges(fleet)) == [("login", "profile"), ("site", "store"), ("web", "cart")]


def test_places_are_written_as_the_user_typed_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG, b__x_y=b"")
    monkeypatch.chdir(tmp_path / "b")
    for path, file in (
        ("../a", "../a/truetier.yaml"),
        ("../a/./truetier.yaml", "../a/truetier.yaml"),
        (str(tmp_path / "a"), str(tmp_path / "a/truetier.yaml")),
    ):
        place = load_fleet([path]).services["login"].evidence.place
        assert place is not None
        assert place.file == file


def test_what_is_not_ours_in_a_folder_is_skipped_and_listed(tmp_path: Path) -> None:
    write(
        tmp_path,
        truetier_yaml=CATALOG,
        README_md="# x",
        other_yaml="a: b",
        broken_yaml="apiVersion: v1\nkind: Service\nmetadata: {name: [",
        chart_yaml="apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Name }}}",
        empty_yaml="",
        noise_json=bytes(range(256)),
        packed_yaml_gz=b"no gzip",
    )
    found = skipped(load_fleet(["."]))
    assert sorted(found) == ["README.md", "broken.yaml", "chart.yaml", "empty.yaml", "noise.json", "other.yaml", "packed.yaml.gz"]
    assert found["README.md"] == "not YAML or JSON by its name"
    assert found["broken.yaml"].startswith("does not parse: ")
    assert found["packed.yaml.gz"] == "is not a gzip file, or a damaged one"


def test_hidden_folders_and_those_of_tools_are_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    for folder in (".git", ".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text(COMPOSE)
    fleet = load_fleet(["."])
    assert sorted(fleet.services) == ["login", "profile"]
    assert not fleet.skipped


def test_a_catalog_with_mistakes_counts_in_a_folder_too(tmp_path: Path) -> None:
    write(tmp_path, one_yaml="services:\n  a: {tier: 1, nonsense: 2}\n", truetier_yaml="services: {a: {needs: [}}", compose_yaml=COMPOSE)
    with pytest.raises(CatalogError) as caught:
        load_fleet(["."])
    assert {mistake.place.file for mistake in caught.value.mistakes if mistake.place} == {"one.yaml", "truetier.yaml"}


def test_mistakes_inside_files_and_between_them_are_told_together(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__truetier_yaml="services:\n  a: {tier: 1, nonsense: 2}\n",
        b__truetier_yaml="services:\n  b: {tier: 1, needs: [a, gone]}\n",
    )
    with pytest.raises(CatalogError) as caught:
        load_fleet(["."])
    assert [mistake.place and mistake.place.file for mistake in caught.value.mistakes] == ["a/truetier.yaml", "b/truetier.yaml"]


def test_a_named_file_must_be_one_we_read(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a: b", b_yaml="", c_txt="{{ x }}", d_yaml="apiVersion: v1\nkind: Service\nmetadata: {}")
    with pytest.raises(CatalogError) as caught:
        load_fleet(["a.yaml", "b.yaml", "c.txt", "d.yaml"])
    messages = [str(mistake) for mistake in caught.value.mistakes]
    assert len(messages) == 4
    assert messages[0] == "a.yaml is no truetier catalog, Kubernetes manifest or compose file"
    assert "b.yaml" in messages[1]
    assert "empty" in messages[1]
    assert "template" in messages[2]
    assert "without metadata.name" in messages[3]


def test_a_template_that_does_not_parse_is_called_one(tmp_path: Path) -> None:
    helm = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n"
    write(tmp_path, chart__service_yaml=helm, truetier_yaml=CATALOG)
    with pytest.raises(CatalogError, match=r"^chart/service\.yaml:4:10: this is a template, not a manifest: render it first"):
        load_fleet(["chart/service.yaml"])
    assert ["template" in item.reason for item in load_fleet(["."]).skipped] == [True]


def test_everything_that_cannot_be_read_is_named_at_once() -> None:
    with pytest.raises(SourceError) as caught:
        load_fleet(["gone", "gone.yaml", "nul\0"])
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["gone does not exist", "gone.yaml does not exist"]
    assert len(lines) == 3


def test_a_missing_path_and_a_mistake_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a: b")
    with pytest.raises(CatalogError) as caught:
        load_fleet(["gone", "a.yaml"])
    assert caught.value.mistakes[0].message == "gone does not exist"


def test_a_folder_in_which_nothing_is_read_is_unusable_and_says_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a: b", b_md="x")
    with pytest.raises(SourceError) as caught:
        load_fleet(["."])
    assert str(caught.value).startswith("nothing to read in .: no truetier catalog, no Kubernetes manifest, no compose file")
    assert "a.yaml" in str(caught.value)
    assert "b.md" in str(caught.value)


def test_no_path_at_all_is_unusable() -> None:
    with pytest.raises(SourceError):
        load_fleet([])


def test_packed_manifests_are_unpacked(tmp_path: Path) -> None:
    write(tmp_path, web_yaml_gz=gzip.compress(DEPLOYMENT.encode()), cart_yaml=SERVICE)
    assert edges(load_fleet(["web.yaml.gz", "cart.yaml"])) == [("web", "cart")]


def test_a_packed_file_cannot_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.app.input_tree.MAX_BYTES", 1000)
    write(tmp_path, bomb_yaml_gz=gzip.compress(b"#" * 100_000))
    with pytest.raises(SourceError, match=r"bomb\.yaml\.gz has more than"):
        load_fleet(["bomb.yaml.gz"])


def test_a_huge_file_is_refused_when_named_and_skipped_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(SourceError, match="has more than 64 MiB"):
        load_fleet(["huge.yaml"])
    assert "64 MiB" in skipped(load_fleet(["."]))["huge.yaml"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self.yaml").symlink_to(tmp_path / "a" / "self.yaml")
    found = skipped(load_fleet(["a"]))
    assert found["a/loop"] == "a link to a folder is not followed; name the folder itself"
    assert found["a/self.yaml"].startswith("cannot be read")


def test_one_file_reached_in_two_ways_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG)
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a" / "truetier.yaml")
    assert edges(load_fleet(["a", "./a/truetier.yaml", "b.yaml", "."])) == [("login", "profile")]


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SourceError, match="a named pipe, not a file"):
        load_fleet(["pipe.yaml"])
    with pytest.raises(SourceError, match="a device, not a file"):
        load_fleet(["/dev/zero"])
    write(tmp_path, truetier_yaml=CATALOG)
    assert skipped(load_fleet(["."])) == {"pipe.yaml": "is a named pipe, not a file"}


def test_what_a_shell_substitutes_for_a_command_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, CATALOG.encode())
    os.close(writing)
    try:
        assert sorted(load_fleet([f"/dev/fd/{reading}"]).services) == ["login", "profile"]
    finally:
        os.close(reading)


def test_what_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:  # root may read everything, so the file's own mode would prove nothing
        raise PermissionError

    write(tmp_path, truetier_yaml=CATALOG)
    monkeypatch.setattr("truetier.app.input_tree.open", refuse, raising=False)
    with pytest.raises(SourceError, match="permission denied"):
        load_fleet(["truetier.yaml"])


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CATALOG.encode())))
    place = load_fleet(["-"]).services["login"].evidence.place
    assert place is not None
    assert place.file == "<stdin>"


def test_the_digest_depends_on_names_and_contents_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a__truetier_yaml=CATALOG, b__truetier_yaml=CATALOG, c__truetier_yaml=CATALOG + "# changed\n", d__other_yaml=CATALOG)
    digests = [load_fleet([path]).digest for path in ("a", str(tmp_path / "a"), "b", "c", "d")]
    monkeypatch.chdir(tmp_path / "a")
    assert load_fleet(["."]).digest == load_fleet(["truetier.yaml"]).digest == digests[0] == digests[1] == digests[2]
    assert len(set(digests)) == 3
    assert len(digests[0]) == 64


def test_a_file_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    write(tmp_path, truetier_yaml=CATALOG)
    with open(os.fsencode(tmp_path) + b"/\xff\n.yaml", "wb"):
        pass
    (name,) = skipped(load_fleet(["."]))
    assert name.encode()


def test_many_files_that_are_not_ours_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.app.from_sources._MOST_SKIPPED", 3)
    write(tmp_path, truetier_yaml=CATALOG, **{f"n{index}_md": "" for index in range(5)})
    assert list(skipped(load_fleet(["."]))) == ["n0.md", "n1.md", "n2.md", "2 more files"]


def test_compose_files_find_what_they_refer_to(tmp_path: Path) -> None:
    write(
        tmp_path,
        p__compose_yaml="include: [sub/c.yaml]\nservices:\n  a: {image: i, environment: [B_ADDR]}\n",
        p__sub__c_yaml="services:\n  b: {image: i}\n",
    )
    (tmp_path / "p" / ".env").write_text("B_ADDR=b:80\n")
    fleet = load_fleet(["p/compose.yaml"])
    assert edges(fleet) == [("a", "b")]
    (tmp_path / "p" / ".env").write_text("B_ADDR=b:81\n")
    assert load_fleet(["p/compose.yaml"]).digest != fleet.digest


def test_what_a_compose_file_mounts_is_read_and_not_said_to_be_skipped(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose_yaml="services:\n  a: {image: i, volumes: ['./x.conf:/x.conf', './y.yaml:/y']}\n  b: {image: i}\n  c: {image: i}\n",
        x_conf="server b:80;\n",
        y_yaml="url: http://c/\n",
        z_conf="",
    )
    fleet = load_fleet(["."])
    assert edges(fleet) == [("a", "b"), ("a", "c")]
    assert list(skipped(fleet)) == ["z.conf"]


def test_a_compose_file_never_reads_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"B_URL=http://b:80")))
    write(tmp_path, compose_yaml="services:\n  a: {image: i, env_file: '-', volumes: ['./-:/etc/a']}\n  b: {image: i}\n")
    fleet = load_fleet(["compose.yaml"])
    assert edges(fleet) == []
    assert [item.subject for item in fleet.skipped] == ["-", "-"]


def test_a_folder_of_configuration_that_a_compose_file_mounts_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose_yaml="services:\n  a: {image: i, volumes: ['./conf:/etc/a', './gone:/etc/b']}\n  b: {image: i}\n",
        conf__inner__x_conf="server b:80;\n",
    )
    fleet = load_fleet(["compose.yaml"])
    assert edges(fleet) == [("a", "b")]
    assert list(skipped(fleet)) == ["gone"]


def test_a_compose_file_whose_list_closes_at_its_key_is_read(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml="services:\n  a:\n    image: i\n    command: [\n      x\n    ]\n")
    assert sorted(load_fleet(["compose.yaml"]).services) == ["a"]
