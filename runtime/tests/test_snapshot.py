from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")

from hypothesis import given
from hypothesis import strategies as st

from runtime.tests.signed import KEY, NOW, OTHER_KEY, STRANGER, TRUSTED, VALUES, Made, rules, signed
from truetier_runtime import hooks, refusal
from truetier_runtime.errors import DocumentRefusedError, UsageError
from truetier_runtime.examine import Limits, Rules, key_paths
from truetier_runtime.signature import MAGIC, Terms, TrustedKeys, cosign, opened, public_bytes, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SMALL = signed(2, {"a": 1}, keys=(KEY, OTHER_KEY))


def refused(document: bytes, demands: Rules | None = None, running: bytes | None = None) -> list[str]:
    """The reasons; and that nothing but a fact came of it."""
    made = Made(demands)
    if running is not None:
        assert made.offer(running) == []
    before = made.reader.running
    made.facts.clear()
    reasons = made.offer(document)
    assert reasons
    assert made.reader.running is before
    assert made.reader.values is before.values
    assert made.told() == [hooks.SNAPSHOT_REFUSED]
    assert str(made.facts[0].detail).startswith(reasons[0])
    return reasons


def test_a_good_document_is_what_is_read_from_then_on() -> None:
    made = Made()
    assert made.reader.values["limits"]["rps"] == 1
    assert made.offer(signed(7)) == []
    assert made.reader.values["limits"]["rps"] == 100
    assert made.reader.values["flags"]["search"] == ("a", "b")
    assert (made.reader.version, made.told(), made.facts[0].detail) == (7, [hooks.ACTIVATED], 7)


def test_what_is_read_cannot_be_changed_at_any_depth() -> None:
    made = Made()
    made.offer(signed())
    with pytest.raises(TypeError):
        made.reader.values["name"] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        made.reader.values["limits"]["rps"] = 2


def test_the_same_document_again_confirms_what_runs_and_tells_nothing() -> None:
    made = Made()
    made.offer(signed())
    made.monotonic.advance(30)
    assert made.reader.age == 30
    assert made.offer(signed()) == []
    assert (made.reader.age, made.told()) == (0, [hooks.ACTIVATED])


def test_a_hook_that_comes_later_is_told_until_it_is_ended() -> None:
    made, late = Made(), list[str]()
    end = made.reader.watch(lambda fact: late.append(fact.kind))
    made.offer(signed(1))
    end()
    made.offer(signed(2))
    assert (late, made.told()) == ([hooks.ACTIVATED], [hooks.ACTIVATED, hooks.ACTIVATED])


def test_no_byte_of_a_document_can_be_changed() -> None:
    for place in range(len(SMALL)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(SMALL)
            changed[place] ^= flip
            assert refused(bytes(changed))


def test_no_document_can_be_cut_or_made_longer() -> None:
    for length in range(len(SMALL)):
        assert refused(SMALL[:length])
    assert refused(SMALL + b"\n") == [refusal.LENGTH]
    assert refused(b"\n" + SMALL) == [refusal.MALFORMED]


def test_a_line_left_out_doubled_or_exchanged_is_refused() -> None:
    lines = SMALL.split(b"\n", 3)
    for place in range(4):
        assert refused(b"\n".join(lines[:place] + lines[place + 1 :]))
        assert refused(b"\n".join([*lines[: place + 1], *lines[place:]]))
    assert refused(b"\n".join([lines[0], lines[2], lines[1], lines[3]]))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace(b'"version":2', b'"version": 2'),
        lambda header: header.replace(b'"version":2', b'"version":2.0'),
        lambda header: header.replace(b'"version":2', b'"version":2,"version":2'),
        lambda header: header.replace(b'"version":2', b'"version":true'),
        lambda header: header.replace(b'"version":2', b'"version":-2'),
        lambda header: header.replace(b'"scope":"shop"', b'"scope":"\\u0073hop"'),
        lambda header: header.replace(b'"scope":"shop"', b'"scope":""'),
        lambda _: b"[" * 4000,
        lambda _: b"9" * 5000,
        lambda _: b"x" * 9000,
        lambda _: b"null",
    ],
)
def test_a_header_is_read_only_when_it_is_written_the_one_way_it_can_be(change: Callable[[bytes], bytes]) -> None:
    lines = SMALL.split(b"\n", 3)
    assert refused(b"\n".join([lines[0], change(lines[1]), *lines[2:]])) == [refusal.MALFORMED]


def test_an_error_page_is_refused_whatever_its_status_was() -> None:
    assert refused(b"<!DOCTYPE html><html><body>Service unavailable</body></html>") == [refusal.MALFORMED]
    assert refused(b"") == [refusal.MALFORMED]


def test_what_is_too_long_is_refused_before_anything_is_read_of_it() -> None:
    assert refused(signed(2, {"a": "x" * 10_000})) == [refusal.OVERSIZE]
    assert refused(b"\0" * 10_001) == [refusal.OVERSIZE]


def test_a_stranger_signs_in_vain_also_under_the_name_of_a_trusted_key() -> None:
    assert refused(signed(keys=(STRANGER,))) == [refusal.UNTRUSTED]
    envelope = opened(signed())
    envelope.signatures = {name: STRANGER.sign(envelope.signed) for name in envelope.signatures}
    assert refused(envelope.encoded()) == [refusal.BAD_SIGNATURE]


def test_a_signature_of_another_document_does_not_fit() -> None:
    envelope, other = opened(signed(3)), opened(signed(4))
    envelope.signatures = other.signatures
    assert refused(envelope.encoded()) == [refusal.BAD_SIGNATURE]


def test_the_body_of_another_document_does_not_fit() -> None:
    envelope = opened(signed(3, {"a": 1}))
    envelope.body = b'{"a": 2}'
    assert refused(envelope.encoded()) == [refusal.DIGEST]


def test_keys_are_rotated_by_signing_with_the_old_and_the_new() -> None:
    document = signed(keys=(KEY, OTHER_KEY))
    for key in (KEY, OTHER_KEY):
        assert Made(rules(trusted=TrustedKeys([public_bytes(key), public_bytes(STRANGER)]))).offer(document) == []


def test_fewer_signatures_than_the_threshold_are_not_enough() -> None:
    two = rules(trusted=TrustedKeys([public_bytes(KEY), public_bytes(OTHER_KEY)], threshold=2))
    assert refused(signed(), two) == [refusal.BELOW_THRESHOLD]
    assert refused(signed(keys=(KEY, STRANGER)), two) == [refusal.BELOW_THRESHOLD]
    assert Made(two).offer(signed(keys=(KEY, OTHER_KEY))) == []


def test_one_key_twice_is_one_key() -> None:
    two = rules(trusted=TRUSTED)
    two.trusted.threshold = 1
    with pytest.raises(UsageError, match="2 of 1 trusted keys"):
        TrustedKeys([public_bytes(KEY), public_bytes(KEY)], threshold=2)
    lines = signed().split(b"\n", 3)
    assert refused(b"\n".join([*lines[:2], lines[2] + b" " + lines[2], lines[3]])) == [refusal.MALFORMED]


def test_whoever_is_named_may_sign_later_and_nobody_else() -> None:
    document = sign(b'{"a":1}', Terms("shop", 1, NOW), [KEY], also=[public_bytes(OTHER_KEY)])
    two = rules(trusted=TrustedKeys([public_bytes(KEY), public_bytes(OTHER_KEY)], threshold=2))
    assert refused(document, two) == [refusal.BELOW_THRESHOLD]
    assert Made(two).offer(cosign(document, OTHER_KEY)) == []
    with pytest.raises(UsageError, match="was not named"):
        cosign(document, STRANGER)


def test_nobody_is_shown_one_body_and_signs_another() -> None:
    evil = sign(b'{"fee":1}', Terms("shop", 1, NOW + 1), [KEY], also=[public_bytes(OTHER_KEY)])
    for shown in (b'{"fee":0}', b'{"fee":10}'):
        with pytest.raises(DocumentRefusedError) as refusing:
            cosign(evil.replace(b'{"fee":1}', shown), OTHER_KEY)
        assert refusing.value.reason in {refusal.DIGEST, refusal.LENGTH}


def test_an_older_document_is_refused_and_so_is_another_one_of_the_same_version() -> None:
    assert refused(signed(4), running=signed(5)) == [refusal.ROLLBACK]
    assert refused(signed(5, {**VALUES, "x": 1}), running=signed(5)) == [refusal.MIX_AND_MATCH]
    assert refused(signed(5, not_after=NOW + 5000), running=signed(5)) == [refusal.MIX_AND_MATCH]


def test_everything_wrong_with_a_header_is_told_at_once() -> None:
    old = signed(4, scope="bank", not_after=NOW - 1)
    assert refused(old, running=signed(5)) == [refusal.OTHER_SCOPE, refusal.ROLLBACK, refusal.EXPIRED]
    assert refused(signed(9, scope="shop ")) == [refusal.OTHER_SCOPE]


def test_an_expired_document_is_not_begun_with() -> None:
    assert Made().offer(signed(not_after=NOW)) == []
    assert refused(signed(not_after=NOW - 1)) == [refusal.EXPIRED]


def test_expiry_alarms_once_and_stops_nothing_that_runs() -> None:
    made = Made()
    made.offer(signed())
    made.facts.clear()
    made.wall.advance(1001)
    for _ in range(3):
        made.reader.check()
        assert made.offer(signed()) == []
    assert made.told() == [hooks.SNAPSHOT_EXPIRED]
    assert made.reader.values["limits"]["rps"] == 100


@pytest.mark.parametrize("values", [{}, {"flags": {}}, {"flags": [], "limits": {"a": {}}}])
def test_a_document_that_is_valid_and_empty_is_refused(values: object) -> None:
    assert refused(signed(1, values)) == [refusal.EMPTY]
    assert refused(signed(2, values), running=signed(1)) == [refusal.EMPTY, refusal.KEYS_REMOVED]


def test_at_most_the_allowed_share_of_keys_may_go_unless_the_publisher_confirms_it() -> None:
    ten = {"flags": {str(key): key for key in range(10)}}
    eight, seven = ({"flags": {str(key): key for key in range(keys)}} for keys in (8, 7))
    made = Made()
    assert made.offer(signed(1, ten)) == []
    assert made.offer(signed(2, seven)) == [refusal.KEYS_REMOVED]
    assert made.offer(signed(2, eight)) == []
    assert made.offer(signed(3, {"flags": 5})) == [refusal.KEYS_REMOVED]
    assert made.offer(signed(3, {"other": 1}, confirms_removal=True)) == []


def test_a_first_document_may_lack_what_the_defaults_have() -> None:
    assert Made().offer(signed(1, {"a": 1})) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1}x',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":1,"a":1}',
        b'{"b":{"a":1,"a":2}}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * 2000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b'{"a":' + b"9" * 4400 + b"}",
        b'{"a":' + b"9" * 400 + b"}",  # infinite to whoever reads it as a float
        b'{"a":["\\ud800"]}',
        b'{"\\ud800":1,"\\udfff":2}',  # one key to whoever puts U+FFFD for what is no character
    ],
)
def test_a_body_that_is_not_plainly_one_json_object_is_refused(body: bytes) -> None:
    assert refused(signed(1, body)) == [refusal.NOT_JSON]


def test_characters_may_be_written_as_pairs_of_surrogates_and_whole_numbers_may_be_long() -> None:
    made = Made()
    assert made.offer(signed(1, b'{"a":"\\ud83d\\ude00","b":' + b"1" * 308 + b"}")) == []
    assert made.reader.values == {"a": "\U0001f600", "b": int("1" * 308)}


def test_numbers_out_of_range_and_what_the_schema_says_are_told_together_with_their_places() -> None:
    def validate(values: dict[str, Any]) -> list[str]:
        return ["name is missing", "and sorely"] if "name" not in values and "list" in values else []

    limits = Limits(ranges={"limits.*.rps": (1, 10), "list.*": (0, 1), "absent": (0, 1), "on": (0, 1), "name": (0, 1)})
    demands = Rules("shop", TRUSTED, limits=limits, validate=validate)
    values = {"limits": {"a": {"rps": 5}, "b": {"rps": 11}, "c": {}}, "list": [0.5, -1, "x"], "on": True}
    made = Made(demands)
    mistakes = made.reader.offer(signed(1, values))
    assert [str(mistake) for mistake in mistakes] == [
        "schema: name is missing",
        "schema: and sorely",
        "out of range: limits.b.rps is 11, a number from 1 to 10 was expected",
        "out of range: list.1 is -1, a number from 0 to 1 was expected",
        "out of range: list.2 is 'x', a number from 0 to 1 was expected",
        "out of range: on is True, a number from 0 to 1 was expected",
    ]


def test_of_many_mistakes_the_first_twenty_are_told() -> None:
    demands = Rules("shop", TRUSTED, validate=lambda values: [f"no {key}" for key in range(50) if "name" in values])
    mistakes = Made(demands).reader.offer(signed())
    assert [len(mistakes), str(mistakes[-1])] == [21, "schema: and 30 more"]


def test_what_a_schema_does_to_what_it_is_given_changes_nothing() -> None:
    def tidied(values: dict[str, Any]) -> list[str]:
        values["limits"].clear()
        return []

    limits = Limits(ranges={"limits.rps": (1, 10)})
    assert refused(signed(1), Rules("shop", TRUSTED, validate=tidied, limits=limits)) == [refusal.OUT_OF_RANGE]
    made = Made(rules(validate=tidied))
    assert made.reader.values == {"limits": {"rps": 1}}
    assert made.offer(signed(1)) == []
    assert made.reader.values["limits"] == VALUES["limits"]


def test_a_schema_that_raises_refuses() -> None:
    def validate(values: dict[str, Any]) -> list[str]:
        return [values["flags"]["no such"]] if "flags" in values else []

    assert refused(signed(), rules(validate=validate)) == [refusal.SCHEMA]


@pytest.mark.parametrize("canary", [lambda _: False, lambda _: None, lambda values: values["nothing"]])
def test_a_trial_that_does_not_say_that_all_is_well_refuses(canary: Callable[[Any], Any]) -> None:
    assert refused(signed(), rules(canary=canary)) == [refusal.CANARY]


def test_what_is_tried_is_what_will_be_read_and_does_not_run_yet() -> None:
    seen: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []

    def canary(values: Mapping[str, Any]) -> bool:
        seen.append((values, made.reader.values))
        return True

    made = Made(rules(canary=canary))
    before = made.reader.values
    made.offer(signed(3))
    assert seen == [(made.reader.values, before)]
    assert seen[0][0] is made.reader.values


def test_defaults_have_to_obey_the_rules_too() -> None:
    with pytest.raises(UsageError, match=r"limits.rps is 1, a number from 2 to 3"):
        Made(Rules("shop", TRUSTED, limits=Limits(ranges={"limits.rps": (2, 3)})))


def test_limits_that_make_no_sense_are_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"max_bytes is 0.*max_removed is 2.*range of a: 3 is not below 1"):
        Limits(max_bytes=0, max_removed=2, ranges={"a": (3, 1)})
    with pytest.raises(UsageError, match=r"scope: 1 to 200.*version: a whole number.*no key"):
        sign(b"", Terms("", 0, NOW), [])


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_refused_and_never_raise(document: bytes) -> None:
    assert refused(document)
    assert refused(MAGIC + b"\n" + document)
    assert refused(b"\n".join([*SMALL.split(b"\n", 3)[:3], document]))
    assert refused(b"\n".join([*SMALL.split(b"\n", 3)[:2], document]))


SIGNED = [signed(2, {"a": 1}), signed(3, {"a": 2}), signed(3, {"a": 1}, keys=(OTHER_KEY,)), SMALL]


@given(st.lists(st.tuples(st.sampled_from(SIGNED), st.integers(0, 700), st.integers(0, 700)), min_size=1, max_size=4))
def test_no_pieces_of_signed_documents_make_another_one(pieces: list[tuple[bytes, int, int]]) -> None:
    document = b"".join(whole[start:end] for whole, start, end in pieces)
    if document in SIGNED:
        assert Made().offer(document) == []
    else:
        assert refused(document)


@given(st.data())
def test_no_lines_of_signed_documents_make_another_one(data: st.DataObject) -> None:
    lines = [data.draw(st.sampled_from([whole.split(b"\n", 3)[place] for whole in SIGNED])) for place in range(4)]
    document = b"\n".join(lines)
    assert (document in SIGNED) == (Made().offer(document) == [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_whatever_json_can_say_is_read_as_it_was_signed_or_is_empty(values: dict[str, Any]) -> None:
    made = Made()
    reasons = made.offer(signed(1, values))
    if not key_paths(values):
        assert reasons == [refusal.EMPTY]
    elif reasons != [refusal.OVERSIZE]:
        assert reasons == []
        assert json.loads(json.dumps(made.reader.values, default=dict)) == values


@given(st.binary(max_size=200))
def test_a_signed_body_of_any_bytes_never_raises(body: bytes) -> None:
    Made().offer(signed(1, body))


def test_a_million_reads_open_no_socket_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    made.offer(signed())
    reader = made.reader

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the hot path waits for nobody")

    monkeypatch.setattr(socket, "socket", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr("builtins.open", never)
    reader._lock.acquire()  # held: a read that wanted it would never end
    assert sum(reader.values["limits"]["rps"] for _ in range(1_000_000)) == 100_000_000


def test_threads_that_offer_at_once_end_with_the_newest_and_every_read_is_of_one_document() -> None:
    made = Made()
    documents = [signed(version, {"one": version, "other": version}) for version in range(1, 101)]
    made.offer(documents[0])
    torn: list[Mapping[str, Any]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            values = made.reader.values
            if values["one"] != values["other"]:
                torn.append(values)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=lambda part=part: [made.offer(one) for one in documents[part::4]]) for part in range(4)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    assert (made.reader.version, made.reader.values["one"], torn) == (100, 100, [])


def test_a_document_that_was_overtaken_while_it_was_tried_is_held_against_what_runs_then() -> None:
    def canary(values: Mapping[str, Any]) -> bool:
        if values["n"] == 2:
            assert made.offer(signed(3, {"n": 3})) == []
        return True

    made = Made(rules(canary=canary))
    assert made.offer(signed(2, {"n": 2})) == [refusal.ROLLBACK]
    assert (made.reader.version, made.reader.values["n"]) == (3, 3)
