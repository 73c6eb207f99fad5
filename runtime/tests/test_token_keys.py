from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jwt")

from hypothesis import given
from hypothesis import strategies as st

from runtime.tests.issued import DAY, NOW, Made, listed, public, token
from runtime.tests.served import served
from truetier_runtime import hooks, refusal
from truetier_runtime.copies import Copies
from truetier_runtime.errors import TokenRefusedError
from truetier_runtime.sources import HttpSource

if TYPE_CHECKING:
    from pathlib import Path

GOOD = listed("a")


def reason(made: Made, text: str) -> str:
    """Why a token is refused; empty where it is not."""
    try:
        made.verifier.verify(text)
    except TokenRefusedError as error:
        return error.reason
    return ""


# -- what an issuer answers


BAD = {
    "nothing": (b"", refusal.NOT_JSON),
    "a page": (b"<html>We will be back soon</html>", refusal.NOT_JSON),
    "cut": (GOOD[:-9], refusal.NOT_JSON),
    "a list": (b"[]", refusal.NOT_JSON),
    "an error": (b'{"error": "server_error"}', refusal.MALFORMED),
    "keys by name": (b'{"keys": {"a": 1}}', refusal.MALFORMED),
    "too many": (listed(*[public("a")] * 101), refusal.MALFORMED),
    "no keys": (b'{"keys": []}', refusal.EMPTY),
    "keys that are none": (b'{"keys": [1, null, {"kid": "a"}, {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": 5}]}', refusal.EMPTY),
    "a key to encrypt with": (listed(public("a", use="enc")), refusal.EMPTY),
    "a key to sign with": (listed(public("a", key_ops=["sign"])), refusal.EMPTY),
    "a key that is not public": (listed(public("a", d="c2VjcmV0")), refusal.EMPTY),
    "a secret": (listed({"kid": "a", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}), refusal.EMPTY),
    "a weak key": (listed(public("weak", "RS256", bits=1024)), refusal.EMPTY),
    "a key of another algorithm": (listed(public("a", alg="RS256")), refusal.EMPTY),
    "a key of another curve": (listed(public("p", "ES384")), refusal.EMPTY),
    "a key without a name": (listed({**public("a"), "kid": None}), refusal.EMPTY),
    "a flood": (b" " * 262_145, refusal.OVERSIZE),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_key_set_never_replaces_good_keys(what: str) -> None:
    document, expected = BAD[what]
    made = Made()
    with served() as server:
        poller = made.keys.poller(HttpSource(server.url))
        server.document = GOOD
        poller.poll()
        made.passes(60)
        server.document = document
        poller.poll()
    assert made.told() == [hooks.KEYS_CHANGED, hooks.KEYS_REFUSED]
    assert str(made.facts[-2].detail).startswith(f"{expected}: ")
    assert reason(made, token()) == ""
    assert made.keys.age == 60, "what was refused confirms nothing"


def test_one_bad_key_among_good_ones_is_passed_over() -> None:
    made = Made()
    assert made.keys.offer(listed(public("b", use="enc"), {"kty": "new"}, "a")) == ()
    assert reason(made, token()) == ""
    assert reason(made, token("b")) == refusal.UNKNOWN_KEY


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_issuer_that_is_down_is_told_and_changes_nothing(status: int) -> None:
    made = Made()
    with served() as server:
        poller = made.keys.poller(HttpSource(server.url))
        server.document, server.etag = GOOD, '"1"'
        poller.poll()
        server.status = status
        poller.poll()
        poller.poll()
        assert reason(made, token()) == ""
        server.status = 200
        poller.poll()
    assert made.told() == [hooks.KEYS_CHANGED, hooks.ISSUER_DOWN, hooks.ISSUER_DOWN, hooks.ISSUER_UP]
    assert made.keys.age == 0, "not modified confirms"


# -- rotation


def test_a_key_that_is_listed_no_more_stays_good_for_the_overlap_and_no_longer() -> None:
    made = Made(overlap=600.0)
    made.keys.offer(listed("a", "b"))
    made.keys.offer(listed("b"))
    assert str(made.facts[-1].detail) == "gone: 'a'"
    for _ in range(9):
        made.passes(60)
        made.keys.offer(listed("b"))
        assert reason(made, token(exp=NOW + DAY)) == ""
    assert made.verifier.verify(token(exp=NOW + DAY)).key_age == 540
    made.passes(60)
    assert reason(made, token(exp=NOW + DAY)) == refusal.UNKNOWN_KEY
    made.keys.offer(listed("b"))
    assert str(made.facts[-1].detail) == "good no longer: 'a'"


def test_without_overlap_a_removed_key_is_refused_at_once() -> None:
    made = Made(overlap=0.0)
    made.keys.offer(listed("a", "b"))
    made.keys.offer(listed("b"))
    assert reason(made, token()) == refusal.UNKNOWN_KEY


def test_a_name_that_is_used_again_for_another_key_stands_for_both_until_the_overlap_ends() -> None:
    made = Made(overlap=600.0)
    made.keys.offer(listed({**public("old"), "kid": "a"}))
    made.keys.offer(listed({**public("new"), "kid": "a"}))
    old, new = token("old", head={"kid": "a"}, exp=NOW + DAY), token("new", head={"kid": "a"}, exp=NOW + DAY)
    assert (reason(made, old), reason(made, new)) == ("", "")
    made.passes(600)
    assert (reason(made, old), reason(made, new)) == (refusal.BAD_SIGNATURE, "")


@given(st.lists(st.tuples(st.sets(st.sampled_from("abcd"), min_size=1), st.integers(0, 40)), max_size=12))
def test_a_key_is_good_exactly_while_listed_and_for_the_overlap_after(answers: list[tuple[set[str], int]]) -> None:
    made = Made(overlap=50.0)
    gone_since: dict[str, float | None] = {}
    for names, seconds in answers:
        made.keys.offer(listed(*sorted(names)))
        now = made.monotonic.now
        for name in "abcd":
            if name in names:
                gone_since[name] = None
            elif gone_since.get(name, 0.0) is None:
                gone_since[name] = now
        made.passes(seconds)
        now = made.monotonic.now
        for name in "abcd":
            since = gone_since.get(name, -1000.0)
            is_good = since is None or now < since + 50.0
            assert (reason(made, token(name, exp=NOW + DAY)) == "") == is_good


# -- age


def test_keys_are_trusted_to_their_age_while_the_issuer_is_down_with_alarms_before() -> None:
    made = Made()
    with served() as server:
        poller = made.keys.poller(HttpSource(server.url))
        server.document = GOOD
        poller.poll()
    told: list[tuple[str, ...]] = []
    for _ in range(8):
        made.passes(DAY)
        made.facts.clear()
        poller.poll()
        told.append(tuple(made.told()))
        good = reason(made, token(exp=NOW + 30 * DAY))
        assert good == ("" if len(told) <= 7 else refusal.KEYS_TOO_OLD)
    assert told == [(hooks.ISSUER_DOWN,)] * 3 + [(hooks.ISSUER_DOWN, hooks.KEYS_AGEING)] * 4 + [(hooks.ISSUER_DOWN, hooks.KEYS_TOO_OLD)]
    made.keys.offer(GOOD)
    assert reason(made, token(exp=NOW + 30 * DAY)) == ""


# -- on disk


def restarted(folder: Path, after: float = 0.0, **expected: Any) -> Made:  # noqa: ANN401 - what Issuer takes
    made = Made(Copies(str(folder)), now=NOW + after, **expected)
    made.keys.start()
    return made


def first_run(folder: Path, *documents: bytes, **expected: Any) -> Made:  # noqa: ANN401 - what Issuer takes
    made = Made(Copies(str(folder)), **expected)
    made.keys.start()
    for document in documents:
        assert made.keys.offer(document) == ()
        made.keys.check()
    return made


def test_a_cold_start_with_the_issuer_down_uses_the_keys_on_disk_at_their_true_age(tmp_path: Path) -> None:
    first_run(tmp_path, GOOD)
    made = restarted(tmp_path, DAY)
    poller = made.keys.poller(HttpSource("http://127.0.0.1:9/"))
    poller.poll()
    assert made.told() == [hooks.KEYS_CHANGED, hooks.ISSUER_DOWN]
    assert made.verifier.verify(token(exp=NOW + 2 * DAY)).key_age == DAY
    late = restarted(tmp_path, 7 * DAY + 1)
    assert reason(late, token(exp=NOW + 9 * DAY)) == refusal.KEYS_TOO_OLD


def test_a_start_that_comes_late_or_again_takes_no_key_away(tmp_path: Path) -> None:
    first_run(tmp_path, GOOD)
    made = restarted(tmp_path, 60)
    made.keys.offer(listed("a", "b"))  # and nothing is written before the next check
    made.keys.start()
    assert reason(made, token("b")) == ""


def test_a_start_with_nothing_on_disk_has_no_keys(tmp_path: Path) -> None:
    made = restarted(tmp_path / "nothing")
    assert made.told() == []
    assert reason(made, token()) == refusal.NO_KEYS


def test_a_clock_that_was_set_back_makes_no_key_younger_than_new(tmp_path: Path) -> None:
    first_run(tmp_path, GOOD)
    assert restarted(tmp_path, -DAY).keys.age == 0


def test_the_overlap_goes_on_over_a_restart(tmp_path: Path) -> None:
    first_run(tmp_path, listed("a", "b"), listed("b"), overlap=600.0)
    made = restarted(tmp_path, 599, overlap=600.0)
    assert (reason(made, token(exp=NOW + DAY)), reason(made, token("b", exp=NOW + DAY))) == ("", "")
    made.passes(1)
    assert reason(made, token(exp=NOW + DAY)) == refusal.UNKNOWN_KEY
    assert reason(restarted(tmp_path, 600, overlap=600.0), token(exp=NOW + DAY)) == refusal.UNKNOWN_KEY


def test_the_disk_is_written_when_keys_change_or_their_age_is_wrong_by_a_hundredth_of_what_is_allowed(tmp_path: Path) -> None:
    made = first_run(tmp_path, GOOD)
    copies = Copies(str(tmp_path))
    for _ in range(100):
        made.passes(60)
        made.keys.confirm()
        made.keys.check()
    assert copies.versions() == [1]
    made.passes(1000)
    made.keys.confirm()
    made.keys.check()
    assert copies.versions() == [2, 1]
    assert restarted(tmp_path, 7000).keys.age == 0


def test_a_process_that_heard_nothing_new_never_puts_its_keys_over_what_another_heard_later(tmp_path: Path) -> None:
    workers = [first_run(tmp_path, GOOD) for _ in range(8)]  # more than there are copies: those of each are tidied up by the others
    for worker in workers[1:]:
        worker.passes(60)
        worker.keys.offer(listed("a", "b"))
        worker.keys.check()
    workers[0].passes(90)
    workers[0].keys.unanswered("down since it was rotated")
    workers[0].keys.check()
    assert reason(restarted(tmp_path, 90), token("b")) == ""


def test_processes_that_hear_the_same_write_it_once(tmp_path: Path) -> None:
    workers = [first_run(tmp_path, listed("a", "b"), GOOD) for _ in range(8)]
    before = Copies(str(tmp_path)).versions()
    for _ in range(20):
        for late, worker in enumerate(workers):
            worker.passes(60 + late)
            worker.keys.offer(GOOD)
            worker.keys.check()
    assert Copies(str(tmp_path)).versions() == before


def test_a_copy_that_somebody_removed_or_changed_is_there_again_after_the_next_poll(tmp_path: Path) -> None:
    made = first_run(tmp_path, GOOD)
    (copy,) = tmp_path.iterdir()
    copy.unlink()
    made.keys.check()
    (copy,) = tmp_path.iterdir()
    copy.write_bytes(b"{}")
    made.keys.check()
    assert reason(restarted(tmp_path), token()) == ""


def test_a_disk_that_takes_nothing_is_told_and_the_keys_are_used(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    made = first_run(blocked, GOOD)
    assert made.told() == [hooks.KEYS_CHANGED, hooks.KEYS_NOT_STORED]
    assert reason(made, token()) == ""


def test_the_newest_copy_that_is_whole_is_used(tmp_path: Path) -> None:
    first_run(tmp_path, GOOD, listed("a", "b"))
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-5])
    made = restarted(tmp_path)
    assert made.told() == [hooks.KEYS_COPY_REFUSED, hooks.KEYS_CHANGED]
    assert (reason(made, token()), reason(made, token("b"))) == ("", refusal.UNKNOWN_KEY)


PARTS = st.sampled_from(["issuer", "confirmed_at", "keys"])
CONTENTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(PARTS, st.integers() | st.just([{}]))


@given(st.binary(max_size=60) | CONTENTS.map(lambda each: json.dumps(each).encode()))
def test_whatever_is_on_disk_a_start_goes_well(content: bytes) -> None:
    class Disk(Copies):
        def versions(self, *, proven_only: bool = False) -> list[int]:  # noqa: ARG002 - as there
            return [1]

        def read(self, version: int, most_bytes: int) -> bytes:  # noqa: ARG002 - as there
            return content

    made = Made(Disk("nowhere"))
    made.keys.start()
    assert reason(made, token()) == refusal.NO_KEYS


@pytest.mark.parametrize("until", ["x", True, None, 1e300, [1]])
def test_an_end_that_is_no_moment_makes_no_key_good_for_longer(tmp_path: Path, until: object) -> None:
    made = first_run(tmp_path, listed("a", "b"), listed("b"), overlap=600.0)
    newest = max(tmp_path.iterdir())
    content = json.loads(newest.read_bytes())
    for key in content["keys"]:
        if key["kid"] == "a":
            key["until"] = until
    newest.write_text(json.dumps(content))
    made = restarted(tmp_path, overlap=600.0)
    assert reason(made, token()) == ("" if until is None else refusal.UNKNOWN_KEY)


def test_the_copy_of_another_issuer_is_not_taken(tmp_path: Path) -> None:
    first_run(tmp_path, GOOD)
    (copy,) = tmp_path.iterdir()
    copy.write_bytes(copy.read_bytes().replace(b"login.example", b"other.example"))
    assert reason(restarted(tmp_path), token()) == refusal.NO_KEYS
