from __future__ import annotations

import io
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")

from runtime.tests.served import served
from runtime.tests.signed import KEY, NOW, OTHER_KEY, STRANGER, TRUSTED, VALUES, Made, rules, signed
from truetier_runtime import refusal
from truetier_runtime.config_command import DONE, REFUSED, UNREADABLE, USAGE, main
from truetier_runtime.errors import DocumentRefusedError, SourceDownError, UsageError
from truetier_runtime.publisher import (
    BucketTarget,
    FileTarget,
    HttpTarget,
    Target,
    Watch,
    Zone,
    current,
    new_key,
    private_key,
    public_key,
    publish,
    rolled_back,
    stage,
    target_of,
)
from truetier_runtime.signature import Terms, TrustedKeys, key_id, opened, public_bytes

if TYPE_CHECKING:
    from pathlib import Path


def refused(document: bytes, target: Target) -> list[str]:
    with pytest.raises(DocumentRefusedError) as raised:
        publish(document, target, rules(), NOW)
    return [mistake.reason for mistake in raised.value.mistakes]


# -- one place


def test_what_readers_would_refuse_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    target = FileTarget(str(tmp_path))
    assert publish(signed(5), target, rules(), NOW)
    before = (tmp_path / "current.snapshot").read_bytes()
    assert refused(signed(4, not_after=NOW - 1), target) == [refusal.ROLLBACK, refusal.EXPIRED]
    assert refused(signed(5, {"a": 1}), target) == [refusal.MIX_AND_MATCH]
    assert refused(signed(6, {"a": 1}), target) == [refusal.KEYS_REMOVED]
    assert refused(signed(6, {}), target) == [refusal.EMPTY, refusal.KEYS_REMOVED]
    assert refused(signed(6, keys=(STRANGER,)), target) == [refusal.UNTRUSTED]
    assert (tmp_path / "current.snapshot").read_bytes() == before
    assert not publish(signed(5), target, rules(), NOW)


def test_what_cannot_be_verified_is_replaced_only_when_asked_for(tmp_path: Path) -> None:
    target = FileTarget(str(tmp_path))
    (tmp_path / "current.snapshot").write_bytes(signed(5)[:-1])
    with pytest.raises(DocumentRefusedError, match="wrong length: what is there now:"):
        publish(signed(6), target, rules(), NOW)
    assert publish(signed(6), target, rules(), NOW, replaces_damaged=True)


def test_a_document_that_expired_where_it_lies_does_not_keep_the_next_one_away(tmp_path: Path) -> None:
    target = FileTarget(str(tmp_path))
    publish(signed(5), target, rules(), NOW)
    assert publish(signed(6, not_after=NOW + 9000), target, rules(), NOW + 5000)


def test_a_bucket_takes_documents() -> None:
    pytest.importorskip("fsspec")
    target = BucketTarget("memory://publisher/shop.snapshot")
    assert current(target, rules()) is None
    assert publish(signed(1), target, rules(), NOW)
    assert publish(signed(2), target, rules(), NOW)
    assert refused(signed(1), target) == [refusal.ROLLBACK]
    for act in (BucketTarget("nothing-of-the-kind://a").is_bare, lambda: BucketTarget("nothing-of-the-kind://a").put(b"")):
        with pytest.raises(SourceDownError):
            act()


def test_a_place_that_cannot_be_read_is_not_a_place_where_nothing_is() -> None:
    fsspec = pytest.importorskip("fsspec")
    base: Any = fsspec.AbstractFileSystem

    class Down(base):  # type: ignore[misc] # has no types
        protocol = "down"

        def info(self, path: str, **_: object) -> None:
            raise TimeoutError(path)

    fsspec.register_implementation("down", Down, clobber=True)
    with pytest.raises(SourceDownError, match="TimeoutError"):
        publish(signed(1), BucketTarget("down://bucket/shop.snapshot"), rules(), NOW)


def test_a_server_takes_documents_by_put_and_says_when_it_does_not() -> None:
    with served() as server:
        server.status = 404
        target = HttpTarget(server.url + "/a")
        assert current(target, rules()) is None
        with pytest.raises(SourceDownError, match="status 404 to PUT"):
            target.put(signed(1))
        server.status, server.document = 200, signed(1)
        assert publish(signed(2), target, rules(), NOW)
        assert server.put == {"/a": signed(2)}
        server.status = 503
        with pytest.raises(SourceDownError, match="503"):
            publish(signed(3), target, rules(), NOW)


def test_where_a_disk_cannot_tell_what_is_there_it_is_not_taken_for_bare(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceDownError, match="cannot read"):
        publish(signed(1), FileTarget(str(tmp_path / "loop" / "shop.snapshot")), rules(), NOW)


def test_a_word_stands_for_the_place_that_it_looks_like() -> None:
    kinds = [type(target_of(word)) for word in ("https://a", "s3://a/b", "a", "file:///a")]
    assert kinds == [HttpTarget, BucketTarget, FileTarget, FileTarget]


def test_a_key_is_written_as_openssl_would_and_read_again() -> None:
    private, public = new_key()
    assert b"BEGIN PRIVATE KEY" in private
    assert public_bytes(private_key(private)) == public_key(public)
    for read in (private_key, public_key):
        with pytest.raises(UsageError, match=r"no (private|public) key in PEM"):
            read(b"nonsense")
    with pytest.raises(UsageError):
        private_key(public)
    with pytest.raises(UsageError):
        public_key(private)


def test_a_rollback_is_a_new_version_with_old_content() -> None:
    made = Made()
    made.offer(signed(1))
    made.offer(signed(2, {**VALUES, **{str(number): number for number in range(20)}}))
    back = rolled_back(signed(1), TRUSTED, Terms("shop", 3, NOW + 1, confirms_removal=True), [KEY])
    assert made.offer(signed(1)) == [refusal.ROLLBACK]
    assert made.offer(back) == []
    assert made.reader.values["name"] == VALUES["name"]
    for terms, words in ((Terms("bank", 3, NOW), "of scope 'shop'"), (Terms("shop", 1, NOW), "above 1, not 1")):
        with pytest.raises(UsageError, match=words):
            rolled_back(signed(1), TRUSTED, terms, [KEY])


# -- zones


class World:
    """Three zones, whose health is scripted: the zone and how many seconds it has baked for when it stops to be healthy."""

    def __init__(self, folder: Path, sick: tuple[str, float] | None = None) -> None:
        self.zones = [Zone(name, FileTarget(str(folder / name))) for name in ("a", "b", "c")]
        self.sick = sick
        self.seconds = 0.0
        self.log: list[str] = []

    def is_healthy(self, zone: str, version: int) -> bool:
        self.log.append(f"{zone}{version}@{self.seconds:g}")
        return self.sick is None or zone != self.sick[0] or self.seconds < self.sick[1]

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def stage(self, document: bytes) -> tuple[tuple[str, ...], str]:
        watch = Watch(self.is_healthy, seconds=50, every=20, sleep=self.sleep)
        staged = stage(document, self.zones, rules(), watch, clock=lambda: NOW + self.seconds)
        return staged.reached, staged.halted

    def versions(self) -> list[int]:
        found = [current(zone.target, rules()) for zone in self.zones]
        return [0 if snapshot is None else snapshot.version for snapshot in found]


def test_zones_get_a_document_one_by_one_and_each_is_watched_for_as_long_as_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.stage(signed(1)) == (("a", "b", "c"), "")
    assert world.seconds == 150
    assert world.log[:6] == ["a1@0", "a1@0", "a1@20", "a1@40", "a1@50", "b1@50"]
    assert world.versions() == [1, 1, 1]


@pytest.mark.parametrize(
    ("sick", "reached", "halted"),
    [
        (("a", 0), (), "a was not healthy before it was touched: the check says so"),
        (("a", 20), ("a",), "a is not healthy: the check says so"),
        (("b", 0), ("a",), "b was not healthy before it was touched: the check says so"),
        (("b", 100), ("a", "b"), "b is not healthy: the check says so"),
        (("c", 150), ("a", "b", "c"), "c is not healthy: the check says so"),
    ],
)
def test_it_halts_at_the_first_zone_that_is_not_healthy(
    sick: tuple[str, float], reached: tuple[str, ...], halted: str, tmp_path: Path
) -> None:
    world = World(tmp_path, sick)
    assert world.stage(signed(1)) == (reached, halted)
    assert world.versions() == [1] * len(reached) + [0] * (3 - len(reached))


def test_a_check_that_fails_has_not_said_that_all_is_well(tmp_path: Path) -> None:
    watch = Watch(lambda zone, version: bool([][len(zone) + version]), seconds=0)
    staged = stage(signed(1), World(tmp_path).zones, rules(), watch, clock=lambda: NOW)
    assert (staged.reached, "IndexError" in staged.halted) == ((), True)


def test_run_again_it_goes_on_where_it_halted(tmp_path: Path) -> None:
    world = World(tmp_path, ("b", 0))
    world.stage(signed(1))
    world.sick = None
    assert world.stage(signed(1)) == (("a", "b", "c"), "")


def test_no_zone_is_touched_when_one_of_them_will_refuse_and_all_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    publish(signed(7), world.zones[1].target, rules(), NOW)
    publish(signed(5, {"a": 1}), world.zones[2].target, rules(), NOW)
    with pytest.raises(DocumentRefusedError, match=r"rollback: b: version 5.*; mix and match: c: version 5"):
        world.stage(signed(5))
    assert world.versions() == [0, 7, 5]


def test_a_document_that_expires_while_it_is_staged_goes_no_further(tmp_path: Path) -> None:
    reached, halted = World(tmp_path).stage(signed(1, not_after=NOW + 60))
    assert reached == ("a", "b")
    assert halted.startswith("c did not take it: expired")


def test_zones_and_times_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    for zones in ([], [world.zones[0], world.zones[0]]):
        world.zones = zones
        with pytest.raises(UsageError, match="zones are needed"):
            world.stage(signed(1))
    with pytest.raises(UsageError, match="cannot be"):
        Watch(world.is_healthy, seconds=-1)


# -- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["keygen", "one"]) == main(["keygen", "two"]) == DONE
    (tmp_path / "body.json").write_text(json.dumps(VALUES))
    return tmp_path


def run(line: str) -> int:
    return main(shlex.split(line))


STRANGE_KEY = b"""-----BEGIN EC PRIVATE KEY-----
MD4CAQEEDkids5IrBQ7R/NkaRkhjoAcGBSuBBAAGoSADHgAEk5FquO1Uc4XARSEm
DeqO7Mcl1lb7y1u28tFaDQ==
-----END EC PRIVATE KEY-----
"""
SIGN = "sign body.json --scope shop --valid-for 1d --key one.key"
TRUST = "--scope shop --trust one.pub"


def test_a_newcomer_gets_from_nothing_to_a_published_document_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{SIGN} --version 1 -o 1.snapshot") == DONE
    assert run(f"publish 1.snapshot place/ {TRUST}") == DONE
    assert run(f"publish 1.snapshot place/ {TRUST}") == DONE
    (folder / "body.json").write_text(json.dumps({**VALUES, "new": {str(number): number for number in range(9)}}))
    assert run(f"{SIGN} --after place/ -o 2.snapshot") == DONE
    assert run(f"verify 2.snapshot --running place/ {TRUST}") == DONE
    assert run(f"publish 2.snapshot place/ {TRUST}") == DONE
    assert run(f"rollback 1.snapshot --after place/ {TRUST} --valid-for 1d --key one.key -o 3.snapshot") == DONE
    assert run(f"publish 3.snapshot place/ {TRUST}") == DONE
    capsys.readouterr()
    assert run("show place/ --body") == DONE
    shown = capsys.readouterr().out
    assert "scope shop, version 3" in shown
    assert '"name": "käse"' in shown
    assert '"new"' not in shown


def test_a_private_key_is_readable_by_its_owner_only_and_never_overwritten(folder: Path) -> None:
    before = (folder / "one.key").read_bytes()
    assert (folder / "one.key").stat().st_mode & 0o777 == 0o600
    assert run("keygen one") == UNREADABLE
    assert (folder / "one.key").read_bytes() == before


@pytest.mark.parametrize("there", ["three.key", "three.pub"])
def test_where_half_a_pair_of_keys_is_there_already_none_is_made(there: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / there).write_bytes(b"somebody's")
    before = sorted(os.listdir(folder))
    capsys.readouterr()
    assert run("keygen three") == UNREADABLE
    assert capsys.readouterr().err == f"{there}: there already, and no key is written over: give another name\n"
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("room", [0, 115])  # bytes of a file: too few for either key, enough for the public one
def test_of_keys_that_the_disk_does_not_take_nothing_is_left(room: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = pytest.importorskip("resource")
    before, usual = sorted(os.listdir(folder)), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
    try:
        code = run("keygen three")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (code, sorted(os.listdir(folder))) == (UNREADABLE, before)
    assert capsys.readouterr().err.startswith("three.")


def test_no_document_is_written_over_a_key_or_over_what_is_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "one.key").read_bytes()
    assert run(f"{SIGN} --version 1 -o ./one.key") == USAGE
    assert "./one.key is the key to sign with" in capsys.readouterr().err
    assert (folder / "one.key").read_bytes() == before
    os.mkfifo("pipe")
    assert run(f"{SIGN} --version 1 -o pipe") == UNREADABLE
    assert capsys.readouterr().err == "pipe: is there and is no file\n"
    assert (folder / "pipe").is_fifo()


def test_what_a_link_stands_for_is_written_and_not_the_link(folder: Path) -> None:
    (folder / "1.snapshot").touch()
    (folder / "link").symlink_to("1.snapshot")
    assert run(f"{SIGN} --version 1 -o link") == DONE
    assert (folder / "link").is_symlink()
    assert opened((folder / "1.snapshot").read_bytes()).header.version == 1


@pytest.mark.usefixtures("folder")
def test_signatures_that_were_added_since_are_published_and_none_is_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{SIGN} --also two.pub --version 1 -o 1.snapshot") == DONE
    assert run(f"publish 1.snapshot place/ {TRUST}") == DONE
    assert run("cosign 1.snapshot --key two.key -o both.snapshot") == DONE
    assert run(f"publish both.snapshot place/ {TRUST}") == DONE
    assert capsys.readouterr().out.endswith("version 1 published\n")
    assert run(f"publish 1.snapshot place/ {TRUST}") == DONE
    assert capsys.readouterr().out.endswith("version 1 is there already\n")
    assert run(f"verify place/ {TRUST} --trust two.pub --threshold 2") == DONE


def test_what_a_terminal_cannot_show_is_published_and_said_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(f"{SIGN} --version 1 -o 1.snapshot") == DONE
    said = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(said, encoding="ascii"))
    assert run(f"publish 1.snapshot käse/ {TRUST}") == DONE
    assert said.getvalue() == b"k\\xe4se/: version 1 published\n"
    assert (folder / "käse" / "current.snapshot").exists()


def test_a_stranger_hides_nothing_from_whoever_looks_before_he_signs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x").write_bytes(signed(1, {"fee\u202e\x9b2J": 1, "käse": 2}))
    assert run("show x --body") == DONE
    assert (
        r"""{
  "fee\u202e\x9b2J": 1,
  "käse": 2
}
"""
        in capsys.readouterr().out
    )
    (folder / "body.json").write_text(json.dumps({"a\nrefused: nothing": 1}))
    assert run(f"{SIGN} --version 1 -o y --range * 2 3") == REFUSED
    assert r"a\nrefused: nothing is 1" in capsys.readouterr().err


def test_two_people_sign_one_after_the_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = f"{TRUST} --trust two.pub --threshold 2"
    assert run(f"{SIGN} --also two.pub --version 1 -o 1.snapshot") == DONE
    assert run(f"verify 1.snapshot {both}") == REFUSED
    assert "below threshold: signed by 1 of the trusted keys, 2 must" in capsys.readouterr().err
    assert run("cosign 1.snapshot --key two.key") == DONE
    assert run(f"verify 1.snapshot {both}") == DONE
    two = key_id(public_key((folder / "two.pub").read_bytes()))
    assert two in opened((folder / "1.snapshot").read_bytes()).signatures


@pytest.mark.usefixtures("folder")
def test_everything_that_is_wrong_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{SIGN} --version 1 -o 1.snapshot") == DONE
    assert run(f"{SIGN} --version 2 -o running.snapshot") == DONE
    capsys.readouterr()
    assert run("verify 1.snapshot --scope shop --trust two.pub") == REFUSED
    assert "untrusted" in capsys.readouterr().err
    assert run(f"verify 1.snapshot --running running.snapshot {TRUST}") == REFUSED
    assert capsys.readouterr().err.startswith("refused:\n  rollback: version 1, running is 2")
    assert run(f"verify 1.snapshot {TRUST} --range limits.rps 1 10 --range name 0 1") == REFUSED
    told = capsys.readouterr().err
    assert told == (
        "refused:\n  out of range: limits.rps is 100, a number from 1 to 10 was expected\n"
        "  out of range: name is 'käse', a number from 0 to 1 was expected\n"
    )


@pytest.mark.parametrize("body", ["{}", "[]", "{", '{"a": 1, "a": 2}'])
def test_what_readers_would_refuse_is_not_signed(body: str, folder: Path) -> None:
    (folder / "body.json").write_text(body)
    assert run(f"{SIGN} --version 1 -o 1.snapshot") == REFUSED
    assert not (folder / "1.snapshot").exists()


def test_zones_are_staged_while_a_command_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "check.py").write_text("import os, sys; sys.exit(os.environ['TRUETIER_ZONE'] + os.environ['TRUETIER_VERSION'] in sys.argv)")
    assert run(f"{SIGN} --version 1 -o 1.snapshot") == DONE
    line = f"stage 1.snapshot {TRUST} --zone a=za/ --zone b=zb/ --bake 0s --check"
    assert main([*shlex.split(line), f"{shlex.quote(sys.executable)} check.py b1"]) == REFUSED
    assert "halted: b was not healthy before it was touched: the check says so\na has it" in capsys.readouterr().err
    assert [os.path.exists(f"{zone}/current.snapshot") for zone in ("za", "zb")] == [True, False]
    assert main([*shlex.split(line), f"{shlex.quote(sys.executable)} check.py"]) == DONE
    assert "version 1 is in all of a, b" in capsys.readouterr().out
    assert main([*shlex.split(line), "no-such-command"]) == REFUSED
    assert "FileNotFoundError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (f"{SIGN} --version 0 -o x", USAGE, "version: a whole number from 1"),
        (f"{SIGN.replace('1d', '1w')} --version 1 -o x", USAGE, "'1w' is no length of time"),
        (f"{SIGN} --version 1 -o no/such/folder/x", UNREADABLE, "No such file"),
        (f"{SIGN.replace('one.key', 'one.pub')} --version 1 -o x", USAGE, "no private key"),
        (f"{SIGN.replace('body', 'nobody')} --version 1 -o x", UNREADABLE, "nobody.json: No such file"),
        (f"{SIGN} --version 1 -o x --range a b c", USAGE, "--range: could not convert"),
        (f"verify nowhere {TRUST}", UNREADABLE, "cannot read nowhere: No such file"),
        (f"verify one.pub {TRUST}", REFUSED, "malformed: begins with"),
        (f"verify one.pub {TRUST} --threshold 2", USAGE, "2 of 1 trusted keys"),
        (f"stage x {TRUST} --zone a --bake 1s --check x", USAGE, "--zone a: NAME=PLACE"),
        (f"stage x {TRUST} --zone a=b --bake 1s --check '\"'", USAGE, "--check: No closing quotation"),
        (f"stage x {TRUST} --zone a=b --bake 1s --check ''", USAGE, "--check: a command was expected"),
        (f"stage x {TRUST} --zone a=z/ --zone b=z/ --bake 1s --check x", USAGE, "two zones of one place"),
        (f"{SIGN.replace('one.key', 'one.pub')} --version 1 -o x", USAGE, "one.pub: no private key"),
        (f"{SIGN.replace('one.key', 'strange.key')} --version 1 -o x", USAGE, "strange.key: no private key in PEM: Curve"),
        (f"{SIGN} --version 1 -o x --also one.key", USAGE, "one.key: no public key"),
        (f"{SIGN} --version 1 -o no/such/folder/x", UNREADABLE, "no/such/folder/x: No such file"),
        (f"publish x s3:/bucket/x {TRUST}", UNREADABLE, "x: No such file"),
        (f"publish one.pub s3:/bucket/x {TRUST}", USAGE, "'s3:/bucket/x' is half an address: s3://bucket/x was expected"),
        ("show one.pub", REFUSED, "malformed"),
        ("show http://a:b/", USAGE, "no address"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_mistake_has_an_exit_code_and_words(line: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    # A key of a curve that cryptography does not know, secp112r1, made by openssl.
    with open("strange.key", "wb") as file:
        file.write(STRANGE_KEY)
    assert run(line) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("line", ["", "nonsense", f"{SIGN} -o x", "sign"])
def test_what_the_parser_refuses_is_usage(line: str) -> None:
    with pytest.raises(SystemExit) as raised:
        run(line)
    assert raised.value.code == USAGE


def test_help_gives_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run("--help")
    assert raised.value.code == DONE
    shown = capsys.readouterr().out
    for words in ("truetier-config keygen release", "--zone eu-1=", "rollback", "exit codes: 0 done, 1 refused or halted, 2 usage, 3"):
        assert words in shown


def test_what_is_in_a_variable_goes_along_as_authorization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUETIER_CONFIG_AUTHORIZATION", "Bearer x")
    with served() as server:
        server.document = signed(1)
        assert run(f"show {server.url}/a") == DONE
        assert server.asked[0][2]["Authorization"] == "Bearer x"


def test_an_authorization_that_no_header_may_have_is_said_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUETIER_CONFIG_AUTHORIZATION", "Bearer secret\n")
    with served() as server:
        assert run(f"show {server.url}/a") == UNREADABLE
        assert server.asked == []
    told = capsys.readouterr().err
    assert "the header Authorization has characters that no header may" in told
    assert "secret" not in told


def test_a_document_signed_by_two_is_described_with_both_and_whatever_its_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x").write_bytes(signed(1, b"no json", keys=(KEY, OTHER_KEY), not_after=2**53 - 1, confirms_removal=True))
    assert run("show x --body") == DONE
    shown = capsys.readouterr().out
    assert f"until {2**53 - 1}" in shown
    assert "more keys may go" in shown
    assert "b'no json'" in shown


@pytest.mark.usefixtures("folder")
def test_interrupted_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run(f"{SIGN} --version 1 -o 1.snapshot")
    monkeypatch.setattr("subprocess.run", interrupted)
    assert run(f"stage 1.snapshot {TRUST} --zone a=za/ --bake 0s --check true") == REFUSED
    assert "halted by hand; run it again to go on" in capsys.readouterr().err
    monkeypatch.setattr("truetier_runtime.publisher.FileTarget.put", interrupted)
    assert run(f"publish 1.snapshot zb/ {TRUST}") == REFUSED
    assert capsys.readouterr().err == "interrupted: whether it was done, truetier-config show says\n"


@pytest.mark.usefixtures("folder")
def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    assert run("keygen three") == UNREADABLE
    with pytest.raises(UsageError, match=r"truetier-runtime\[config\]"):
        TrustedKeys([])
    assert "install truetier-runtime[config]" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert run("show memory://a/b") == UNREADABLE
    assert "cannot read memory://a/b" in (told := capsys.readouterr().err)
    assert "install truetier-runtime[config]" in told
