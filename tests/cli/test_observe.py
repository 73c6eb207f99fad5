"""``observe`` from the command line, and ``check`` with what it wrote."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from truetier.app.observe import observe
from truetier.cli.exits import Exit
from truetier.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = (
    "services:\n  shop: {tier: T1, needs: [{service: cart, timeout: 200ms, fallback: static}]}\n  cart: {tier: T1}\n  ads: {tier: T2}\n"
)
START = 1_790_000_000_000_000_000


def spans(count: int) -> str:
    """Requests to a shop that fails whenever the cart does, one in ten times, and asks for ads that nobody declared."""
    lines = []
    for number in range(count):
        fails = number % 10 == 0
        begin = START + number * 2_000_000_000
        made = [
            ("a", "", "shop", 2, fails, ""),
            ("b", "a", "shop", 3, fails, "cart"),
            ("c", "b", "cart", 2, fails, ""),
            ("d", "a", "shop", 3, False, "ads"),
        ]
        for span, parent, service, kind, has_failed, peer in made:
            told: list[dict[str, Any]] = [{"key": "peer.service", "value": {"stringValue": peer}}] if peer else []
            times = {"startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + 9_000_000)}
            identity = {"traceId": f"{number + 1:032x}", "spanId": span * 16, "parentSpanId": parent * 16}
            one = {**identity, **times, "name": "get", "kind": kind, "attributes": told, "status": {"code": 2 if has_failed else 0}}
            resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
            lines.append(json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [one]}]}]}))
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truetier.yaml").write_text(CATALOG)
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "spans.jsonl").write_text(spans(300))
    return tmp_path


def test_what_observe_learns_check_compares(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["observe", "traces", "--format", "json"]) == Exit.CLEAN
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert printed.err == "wrote .truetier/evidence/observed.json\n"
    assert json.loads((folder / ".truetier/evidence/observed.json").read_text()) == document
    edges = {(edge["caller"], edge["callee"]): edge for edge in document["edges"]}
    assert edges["shop", "cart"]["modes"]["error"]["verdict"] == "hard"
    assert document["counts"] == {"read": 1200, "used": 1200, "skipped": {}}
    assert run(["check", "--format", "json"]) == Exit.FINDINGS
    found = {(finding["code"], finding["subject"]) for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {("TT207", "shop -> cart"), ("TT205", "shop -> ads"), ("TT109", "shop")} <= found


def test_what_was_observed_end_to_end_stands_beside_what_is_computed(
    folder: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journeys = "journeys:\n  buy: {tier: T1, succeeds: [shop]}\n  browse: {tier: T2, succeeds: [shop, ads]}\n"
    endpoints = "  shop: {tier: T1, needs: [cart], endpoints: {get: {tier: T1}}}\n"
    (folder / "truetier.yaml").write_text(f"services:\n{endpoints}  cart: {{tier: T1}}\n  ads: {{tier: T2}}\n{journeys}")
    assert run(["observe", "traces"]) == Exit.CLEAN
    capsys.readouterr()
    run(["check", "--format", "json"])
    checked = json.loads(capsys.readouterr().out)
    schema = json.loads((repository / "contracts" / "check-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(checked)
    observed = {(item["kind"], item["name"]): item for item in checked["observed"]}
    shop = observed["service", "shop"]
    assert (shop["requests"], shop["failed"]) == (300, 30)
    assert shop["low"] < shop["value"] < shop["high"]
    assert observed["journey", "buy"] == {**shop, "kind": "journey", "name": "buy"}
    assert observed["endpoint", "shop/get"] == {**shop, "kind": "endpoint", "name": "shop/get"}
    assert observed["journey", "browse"]["value"] is None
    assert observed["journey", "browse"]["basis"] == "no outcome of requests to ads was recorded"
    assert {("TT109", name) for name in ("shop", "shop/get", "buy")} <= {(each["code"], each["subject"]) for each in checked["findings"]}
    run(["check"])
    shown = capsys.readouterr().out
    assert "observed  T4  89.867%  36.99 d/yr    counted: 30 of 300 requests failed\n" in shown
    assert "observed  -   unknown  unknown     no outcome of requests to ads was recorded\n" in shown
    assert run(["explain", "buy"]) == Exit.CLEAN
    told = capsys.readouterr().out
    assert "\nobserved 89.867%, 86.222% to 93.011% with 95% certainty (30 of 300 requests failed, counted)\n" in told
    assert run(["explain", "browse", "--format", "json"]) == Exit.CLEAN
    assert json.loads(capsys.readouterr().out)["observed"] == observed["journey", "browse"]
    assert run(["observe", "traces", "--sampled-by-outcome"]) == Exit.CLEAN
    assert run(["explain", "browse"]) == Exit.CLEAN
    assert "\nobserved unknown: no outcome of requests to shop, ads was recorded\n" in capsys.readouterr().out


def test_without_a_catalog_nothing_is_written_that_nobody_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "truetier.yaml").unlink()
    assert run(["observe", "traces"]) == Exit.CLEAN
    assert "error: hard" in capsys.readouterr().out
    assert not (folder / ".truetier").exists()
    assert run(["observe", "traces", "--evidence", "out/seen.json"]) == Exit.CLEAN
    assert json.loads((folder / "out/seen.json").read_text())["schema"] == "truetier/observe/1"


@pytest.mark.parametrize("evidence", [[], ["--evidence", "elsewhere/seen.json"]])
def test_what_was_learned_since_is_not_new_to_a_change_that_left_it_as_it_was(
    evidence: list[str], folder: Path, git: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["init", "-q"], ["add", "truetier.yaml"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "catalog"]):
        subprocess.run([git, *command], cwd=folder, check=True)
    assert run(["observe", "traces", *evidence]) == Exit.CLEAN
    capsys.readouterr()
    assert run(["check", "truetier.yaml", "--against", "HEAD", "--format", "json", *evidence]) == Exit.CLEAN
    told = {finding["code"]: finding["new"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert told["TT207"] is False
    (folder / "truetier.yaml").write_text(CATALOG.replace("timeout: 200ms", "timeout: 300ms"))
    assert run(["check", "truetier.yaml", "--against", "HEAD", *evidence]) == Exit.CLEAN


@pytest.mark.usefixtures("folder")
def test_evidence_may_lie_elsewhere_and_is_compiled_with_the_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["observe", "traces", "--evidence", "seen.json"]) == Exit.CLEAN
    assert run(["compile", "truetier.yaml", "--evidence", "seen.json", "-o", "fleet.compiled"]) == Exit.CLEAN
    capsys.readouterr()
    printed = []
    for command in (["check", "truetier.yaml", "--evidence", "seen.json"], ["check", "fleet.compiled"]):
        assert run([*command, "--format", "json"]) == Exit.FINDINGS
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "TT207" in printed[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing.json"], Exit.UNUSABLE_INPUT, "nothing.json"),
        (["truetier.yaml"], Exit.UNUSABLE_INPUT, "no spans of a format that is known"),
        (["traces", "--memory", "lots"], Exit.USAGE, "lots"),
        ([], Exit.USAGE, "PATH"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], code: Exit, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["observe", *arguments]) == code
    assert words in capsys.readouterr().err


def test_a_run_that_was_interrupted_goes_on_where_it_stood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        if total == 2 and done == 1:  # the only part is counted; before that one file of one is read
            raise KeyboardInterrupt

    fresh = observe(["traces"], latest_ns=2 * START)
    with pytest.raises(KeyboardInterrupt):
        observe(["traces"], latest_ns=2 * START, work="work", progress=stop)
    monkeypatch.setattr("truetier.sources.traces.read_traces", None)  # nothing is read twice
    monkeypatch.setattr("truetier.telemetry.mining._number", None)  # nor counted
    assert observe(["traces"], latest_ns=2 * START, work="work") == fresh
    assert folder.joinpath("work").is_dir()


def test_other_files_are_other_work(folder: Path) -> None:
    assert observe(["traces"], latest_ns=2 * START, work="work").counts.used == 1_200
    folder.joinpath("traces", "more.jsonl").write_text(spans(3).replace("shop", "store"))
    assert observe(["traces"], latest_ns=2 * START, work="work").counts.used == 1_212


def test_a_cluster_needs_a_place_that_it_sees(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    assert run(["observe", "traces", "--engine", "spark://nowhere:7077"]) == Exit.USAGE
    assert "works on files that it sees under the same path: name a folder for them with --work" in capsys.readouterr().err
    assert run(["observe", "traces", "--engine", "presto"]) == Exit.USAGE
    assert "no engine is called presto" in capsys.readouterr().err


def test_a_place_that_is_no_folder_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").write_text("")
    assert run(["observe", "traces", "--work", "file"]) == Exit.USAGE
    assert "file: cannot work there: Not a directory" in capsys.readouterr().err


def evidence_of_one_call(requests: int | None) -> str:
    edge = {"caller": "shop", "callee": "settings", "kind": "sync", "calls": 3, "errors": 0, "requests": requests}
    return json.dumps({"schema": "truetier/observe/1", "services": [], "edges": [edge]})


@pytest.mark.parametrize(
    ("requests", "phase", "found"),
    [(0, "start", 0), (0, "recover", 0), (0, None, 1), (5, "start", 1), (None, "start", 1), (5, "serve", 0)],
)
def test_a_call_that_no_request_made_is_the_need_of_the_start(
    requests: int | None, phase: str | None, found: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = "" if phase is None else f", needs: [{{service: settings, phase: {phase}}}]"
    (folder / "truetier.yaml").write_text(f"services:\n  shop: {{tier: T2{needs}}}\n  settings: {{tier: T1}}\n")
    (folder / ".truetier/evidence").mkdir(parents=True)
    (folder / ".truetier/evidence/observed.json").write_text(evidence_of_one_call(requests))
    run(["check", "truetier.yaml", "--format", "json"])
    findings = [(each["code"], each["subject"]) for each in json.loads(capsys.readouterr().out)["findings"]]
    assert findings.count(("TT205", "shop -> settings")) == found
