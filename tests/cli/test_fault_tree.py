"""``truetier fault-tree`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

EVERY = str(Path(__file__).parents[1] / "data" / "fault_tree" / "every.xml")
BLACKOUT = 1 - (1 - 2e-4) * (1 - (3e-6 - 2e-9)) * (1 - 1e-6)


def model(body: str) -> str:
    return f"<opsa-mef><define-fault-tree name='t'>{body}</define-fault-tree></opsa-mef>"


def event(name: str, value: str) -> str:
    return f"<define-basic-event name='{name}'><float value='{value}'/></define-basic-event>"


def test_a_line_for_each_top_event(cli: Cli) -> None:
    found = cli("fault-tree", EVERY)
    assert found.code == Exit.CLEAN
    lines = found.out.splitlines()
    assert [line.split()[1] for line in lines] == ["blackout", "alarm"]
    assert float(lines[0].split()[2]) == pytest.approx(BLACKOUT, rel=1e-12)
    assert lines[1].split()[2:4] == ["1", "-"]  # all but certain: what is missing keeps its digits


def test_json_has_all_of_it(cli: Cli) -> None:
    document = json.loads(cli("fault-tree", EVERY, "--importance", "--cut-sets", "2", "--format", "json").out)
    assert document["schema"] == "truetier/fault-tree/1"
    blackout, alarm = document["models"]
    assert blackout["file"] == EVERY
    assert blackout["probability"] == pytest.approx(BLACKOUT, rel=1e-12)
    assert blackout["method"] == "exact"
    first = blackout["importance"][0]
    assert first["event"] == "feed-a"
    assert first["birnbaum"] == pytest.approx(0.02, rel=1e-4)
    assert [each["events"] for each in blackout["cut_sets"]["sets"]][:2] == [["fire"], ["feed-a", "feed-b"]]
    assert {"events": [], "absent": ["fire"], "probability": 0.999999} in alarm["cut_sets"]["sets"]


def test_nothing_is_there_that_nobody_asked_for(cli: Cli) -> None:
    model = json.loads(cli("fault-tree", EVERY, "--format", "json").out)["models"][0]
    assert {"importance", "cut_sets", "why_not"} & set(model) == set()


def test_models_come_in_the_order_they_were_named(cli: Cli, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{number}.xml") for number in range(5)]
    for number, name in enumerate(names):
        Path(name).write_text(model("<define-gate name='top'><basic-event name='a'/></define-gate>" + event("a", f"0.{number}")))
    models = json.loads(cli("fault-tree", *reversed(names), "--format", "json").out)["models"]
    assert [(each["file"], each["probability"]) for each in models] == [(names[n], n / 10) for n in (4, 3, 2, 1, 0)]


def test_mistakes_of_all_models_are_told_with_their_places(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text(model("\n<define-gate name='g'/>"))
    found = cli("fault-tree", "a.xml", EVERY, "b.xml")
    assert found.code == Exit.UNUSABLE_INPUT
    assert "a.xml:2:1: define-gate g: expected one formula, found none" in found.err
    assert "b.xml:2:1:" in found.err
    assert found.out == ""


def test_a_file_that_is_not_there_and_arguments_that_make_no_sense(cli: Cli) -> None:
    missing = cli("fault-tree", "nowhere.xml")
    assert missing.code == Exit.UNUSABLE_INPUT
    assert "nowhere.xml does not exist" in missing.err
    assert cli("fault-tree").code == Exit.USAGE
    assert cli("fault-tree", EVERY, "--cut-sets", "0").code == Exit.USAGE
    assert cli("fault-tree", "truetier.yaml").code == Exit.UNUSABLE_INPUT


def test_a_model_may_be_named_twice_and_a_folder_is_none(cli: Cli, tmp_path: Path) -> None:
    assert cli("fault-tree", EVERY, EVERY).out.count("blackout") == 2
    found = cli("fault-tree", str(tmp_path), "nowhere.xml")
    assert found.code == Exit.UNUSABLE_INPUT
    assert "(is a directory)" in found.err
    assert "nowhere.xml" in found.err


def test_what_there_is_not_is_said(cli: Cli, tmp_path: Path) -> None:
    either = "<define-gate name='g'><xor><basic-event name='a'/><basic-event name='b'/></xor></define-gate>"
    (tmp_path / "xor.xml").write_text(model(either + event("a", "0.1") + event("b", "0.1")))
    found = cli("fault-tree", "xor.xml", "--cut-sets", "1")
    assert "no cut sets: the top happens by an event here and by its contrary there" in found.out
