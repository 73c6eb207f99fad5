from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jwt")

from hypothesis import given
from hypothesis import strategies as st

from runtime.tests.hurried import side_by_side
from runtime.tests.issued import DAY, LOGIN, NOW, Made, listed, private, public, token
from runtime.tests.served import served
from runtime.tests.signed import TRUSTED, signed
from truetier_runtime import refusal, token_keys
from truetier_runtime.errors import TokenRefusedError, UsageError
from truetier_runtime.poller import Pace
from truetier_runtime.snapshot import Clocks, Reader
from truetier_runtime.sources import HttpSource
from truetier_runtime.testing import FakeClock
from truetier_runtime.token_keys import Issuer, Keys
from truetier_runtime.tokens import NO_REVOCATIONS, Revocations, Verifier, revocation_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")


def ready(**expected: Any) -> Made:  # noqa: ANN401 - what Issuer takes
    made = Made(**expected)
    assert made.keys.offer(listed("a")) == ()
    return made


def refused(made: Made, text: Any) -> str:  # noqa: ANN401 - a token, or what somebody takes for one
    with pytest.raises(TokenRefusedError) as error:
        made.verifier.verify(text)
    assert str(error.value).startswith(f"{error.value.reason}: ")
    return error.value.reason


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: object, claims: object | None = None) -> str:
    """A token with any header and claims, signed by the good key all the same."""
    body = {"iss": LOGIN, "aud": "shop", "exp": NOW + 300} if claims is None else claims
    text = f"{encoded(header)}.{encoded(body)}"
    return f"{text}.{encoded(private('a').sign(text.encode()))}"


# -- what is good


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_is_accepted_with_keys_of_every_algorithm_from_a_real_server(algorithm: str) -> None:
    made = Made(algorithms=ALGORITHMS)
    with served() as server:
        server.document = listed(public("k", algorithm))
        made.keys.poller(HttpSource(server.url)).poll()
    made.passes(9)
    verified = made.verifier.verify(token("k", algorithm, role="clerk"))
    assert (verified.claims["sub"], verified.claims["role"], verified.key_id, verified.issuer) == ("alice", "clerk", "k", LOGIN)
    assert (verified.key_age, verified.revocations_age, verified.is_unsure) == (9, None, False)


def test_a_key_is_used_with_the_algorithm_it_is_for_alone() -> None:
    made = Made(algorithms=("RS256", "PS256"))
    made.keys.offer(listed(public("k", "RS256", alg="RS256")))
    made.verifier.verify(token("k", "RS256"))
    assert refused(made, token("k", "PS256", key=private("k", "RS256"))) == refusal.ALGORITHM


def test_tokens_of_each_issuer_need_the_keys_of_that_issuer() -> None:
    other = "https://other.example"
    ours, theirs = Made(), Keys(Issuer(other, audience="shop"))
    ours.keys.offer(listed("a"))
    theirs.offer(listed("b"))
    ours.verifier = Verifier(ours.keys, theirs, wall=ours.wall)
    assert ours.verifier.verify(token("b", iss=other)).issuer == other
    assert refused(ours, token("b")) == refusal.UNKNOWN_KEY
    assert refused(ours, token("a", iss=other)) == refusal.UNKNOWN_KEY


@pytest.mark.parametrize("audience", ["shop", ["shop"], ["x", "shop"]])
def test_one_audience_of_several_is_enough(audience: object) -> None:
    ready().verifier.verify(token(aud=audience))


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    made = ready(leeway=30.0)
    made.verifier.verify(token(exp=NOW - 29.5, nbf=NOW + 30, iat=NOW + 30))
    assert refused(made, token(exp=NOW - 30)) == refusal.EXPIRED
    assert refused(made, token(nbf=NOW + 31)) == refusal.NOT_YET
    assert refused(made, token(iat=NOW + 31)) == refusal.NOT_YET


# -- attacks


def mac_with(secret: bytes) -> str:
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': 'a'})}.{encoded({'iss': LOGIN, 'aud': 'shop', 'exp': NOW + 300})}"
    return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


GOOD_HEAD: dict[str, object] = {"alg": "EdDSA", "typ": "JWT", "kid": "a"}


def test_the_tokens_by_hand_are_good_but_for_what_is_wrong_with_them() -> None:
    ready().verifier.verify(by_hand(GOOD_HEAD))
    ready().verifier.verify(by_hand({**GOOD_HEAD, "typ": "application/at+jwt"}))


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (lambda: by_hand({**GOOD_HEAD, "alg": "none"}), refusal.ALGORITHM),
        (lambda: by_hand({**GOOD_HEAD, "alg": "none"}).rpartition(".")[0] + ".", refusal.ALGORITHM),
        (lambda: by_hand({**GOOD_HEAD, "alg": "NoNe"}), refusal.ALGORITHM),
        (lambda: by_hand({**GOOD_HEAD, "alg": ["EdDSA"]}), refusal.ALGORITHM),
        (lambda: by_hand({"typ": "JWT", "kid": "a"}), refusal.ALGORITHM),
        (lambda: mac_with(private("a").public_key().public_bytes_raw()), refusal.ALGORITHM),
        (lambda: mac_with(json.dumps(public("a")).encode()), refusal.ALGORITHM),
        (lambda: token("a", "RS256"), refusal.ALGORITHM),
        (lambda: token("b", head={"kid": "a"}), refusal.BAD_SIGNATURE),
        (lambda: token("b", head={"kid": "a", "jwk": public("b")}), refusal.BAD_SIGNATURE),
        (lambda: token("b", head={"kid": "a", "x5c": ["MII"]}), refusal.BAD_SIGNATURE),
        (lambda: token("b"), refusal.UNKNOWN_KEY),
        (lambda: by_hand({"alg": "EdDSA", "typ": "JWT"}), refusal.UNKNOWN_KEY),
        (lambda: by_hand({**GOOD_HEAD, "kid": "../../dev/null"}), refusal.UNKNOWN_KEY),
        (lambda: by_hand({**GOOD_HEAD, "kid": {"a": 1}}), refusal.MALFORMED),
        (lambda: token(iss="https://login.example.evil"), refusal.UNKNOWN_ISSUER),
        (lambda: token(iss=LOGIN + "/"), refusal.UNKNOWN_ISSUER),
        (lambda: token(iss=None), refusal.UNKNOWN_ISSUER),
        (lambda: by_hand(GOOD_HEAD, {"iss": [LOGIN], "aud": "shop", "exp": NOW + 300}), refusal.UNKNOWN_ISSUER),
        (lambda: token(aud="bank"), refusal.AUDIENCE),
        (lambda: token(aud=["bank"]), refusal.AUDIENCE),
        (lambda: token(aud=[]), refusal.AUDIENCE),
        (lambda: token(aud="sho"), refusal.AUDIENCE),
        (lambda: token(aud=None), refusal.CLAIM),
        (lambda: token(aud={"shop": 1}), refusal.CLAIM),
        (lambda: token(aud=["shop", 1]), refusal.CLAIM),
        (lambda: token(exp=None), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": "9999999999"}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": float("inf")}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": float("nan")}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": True}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": 10**400}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": NOW + 9, "nbf": "0"}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": NOW + 9, "sub": 7}), refusal.CLAIM),
        (lambda: by_hand(GOOD_HEAD, {"iss": LOGIN, "aud": "shop", "exp": NOW + 9, "jti": ["1"]}), refusal.CLAIM),
        (lambda: token(exp=NOW - 31), refusal.EXPIRED),
        (lambda: token(nbf=NOW + 3600), refusal.NOT_YET),
        (lambda: by_hand({**GOOD_HEAD, "crit": ["x"], "x": 1}), refusal.CRITICAL),
        (lambda: by_hand({**GOOD_HEAD, "crit": []}), refusal.CRITICAL),
        (lambda: by_hand({**GOOD_HEAD, "crit": "alg"}), refusal.CRITICAL),
        (lambda: by_hand({**GOOD_HEAD, "crit": ["b64"], "b64": True}), refusal.CRITICAL),
        (lambda: by_hand({**GOOD_HEAD, "crit": ["b64"], "b64": False}), refusal.MALFORMED),
        (lambda: by_hand({**GOOD_HEAD, "typ": "logout+jwt"}), refusal.TYPE),
        (lambda: by_hand({"alg": "EdDSA", "kid": "a"}), refusal.TYPE),
        (lambda: by_hand({**GOOD_HEAD, "typ": 7}), refusal.TYPE),
        (lambda: by_hand({**GOOD_HEAD}, ["iss", LOGIN]), refusal.MALFORMED),
        (lambda: by_hand([1]), refusal.MALFORMED),
        (lambda: by_hand(GOOD_HEAD, b"[" * 9000), refusal.MALFORMED),
        (lambda: by_hand(GOOD_HEAD, b'{"exp":' + b"9" * 5000 + b"}"), refusal.MALFORMED),
        (lambda: token(note="x" * 20_000), refusal.OVERSIZE),
        (lambda: "a" * 16_385, refusal.OVERSIZE),
        (lambda: "", refusal.MALFORMED),
        (lambda: "..", refusal.MALFORMED),
        (lambda: token() + ".more", refusal.MALFORMED),
        (lambda: " " + token(), refusal.MALFORMED),
        (lambda: "\ud800", refusal.MALFORMED),
        (lambda: token().encode(), refusal.MALFORMED),
        (lambda: None, refusal.MALFORMED),
    ],
)
def test_an_attack_is_refused(attack: Callable[[], object], reason: str) -> None:
    assert refused(ready(), attack()) == reason


def test_what_is_oversize_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ready()
    monkeypatch.setattr("truetier_runtime.tokens._jws", None)
    assert refused(made, "x" * 16_385) == refusal.OVERSIZE


def test_where_a_header_says_keys_are_to_be_had_nobody_asks() -> None:
    made = ready()
    with served() as server:
        server.document = listed("b")
        made.keys.poller(HttpSource(server.url + "/keys"))
        for head in ({"jku": server.url}, {"x5u": server.url}, {"jwk": public("b")}):
            assert refused(made, token("b", head=head)) == refusal.UNKNOWN_KEY
        assert refused(made, token("b", iss=server.url)) == refusal.UNKNOWN_ISSUER
        assert server.asked == []


def test_what_an_issuer_has_to_say_besides_can_be_required() -> None:
    made = ready(required=("sub", "scope"), types=("at+jwt", ""))
    assert refused(made, by_hand({"alg": "EdDSA", "kid": "a"})) == refusal.CLAIM
    assert refused(made, token()) == refusal.TYPE
    made.verifier.verify(token(scope="read", head={"typ": ""}))


def test_no_character_of_a_token_can_be_changed_left_out_or_doubled() -> None:
    made, good = ready(), token()
    made.verifier.verify(good)
    for place, character in enumerate(good):
        for other in {"A", "_", "=", ".", chr(ord(character) ^ 1)} - {character}:
            assert refused(made, good[:place] + other + good[place + 1 :])
        assert refused(made, good[:place])
        assert refused(made, good[:place] + good[place:][:1] * 2 + good[place + 1 :])


@given(
    st.one_of(
        st.text(max_size=300),
        st.builds(
            lambda *parts: ".".join(map(encoded, parts)),
            st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)),
            st.dictionaries(st.sampled_from(["iss", "exp", "aud", "x"]), st.none() | st.integers() | st.just(LOGIN)),
            st.binary(),
        ),
    )
)
def test_whatever_a_stranger_sends_is_refused_in_one_way(text: str) -> None:
    assert refused(ready(), text)


def test_expectations_that_would_let_anything_pass_are_mistakes_all_told_at_once() -> None:
    with pytest.raises(UsageError) as error:
        Issuer("", audience=[], algorithms=["HS256", "none"], leeway=-1, overlap=float("inf"), max_key_age=0)
    for words in ("no name", "audience is empty", "'HS256'", "'none'", "leeway", "overlap", "max_key_age"):
        assert words in str(error.value)
    with pytest.raises(UsageError, match="once"):
        Verifier(*[Keys(Issuer("x", audience="y"))] * 2)
    with pytest.raises(UsageError, match="once"):
        Verifier()


# -- nobody is asked, nobody waits


def test_ten_thousand_tokens_are_verified_with_no_socket_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    made.keys.offer(listed(public("r", "RS256"), "a"))
    made.keys.poller(HttpSource("http://127.0.0.1:9/"))
    texts = [token("r", "RS256"), token("a"), token("nobody")]

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    for number in range(10_000):
        if number % 10 == 0:
            assert refused(made, texts[2]) == refusal.UNKNOWN_KEY
        else:
            assert made.verifier.verify(texts[number % 2]).claims["sub"] == "alice"


def test_a_storm_of_unknown_keys_asks_the_issuer_once_an_interval_however_many_ask() -> None:
    made = ready()
    with served() as server:
        server.document = listed("a")
        poller = made.keys.poller(HttpSource(server.url), Pace(600, jitter=0, least_gap=10, spread=0))
        poller.poll()
        server.asked.clear()
        storms = [token(f"stranger {number}", key=private("b")) for number in range(25)]

        def storm() -> None:
            for text in storms:
                assert refused(made, text) == refusal.UNKNOWN_KEY

        for _ in range(60):  # seconds
            side_by_side(storm)
            poller.step()
            made.passes(1)
        assert 5 <= len(server.asked) <= 7  # 12,000 tokens


def test_a_new_key_is_known_soon_after_the_first_token_that_it_signed() -> None:
    made = ready()
    with served() as server:
        server.document = listed("a")
        poller = made.keys.poller(HttpSource(server.url), Pace(600, jitter=0, least_gap=10, spread=0))
        made.passes(100)
        poller.step()
        server.document = listed("a", "b")
        assert refused(made, token("b")) == refusal.UNKNOWN_KEY
        made.passes(10)
        poller.step()
        made.verifier.verify(token("b"))


def test_an_issuer_that_is_down_is_not_asked_more_often_for_want_of_a_key() -> None:
    made = ready()
    poller = made.keys.poller(HttpSource("http://127.0.0.1:9/"), Pace(600, jitter=0, least_gap=0, spread=0))
    poller.poll()
    assert made.keys.is_down
    before = poller.step()
    assert refused(made, token("b")) == refusal.UNKNOWN_KEY
    assert poller.step() == before


def test_no_good_token_is_refused_while_keys_rotate_under_8_threads() -> None:
    """Each key is listed before it signs, and signs tokens while the next one is listed, as issuers do."""
    made = Made(overlap=60.0)
    with served() as server:
        server.document = listed("k0")
        poller = made.keys.poller(HttpSource(server.url))
        poller.poll()
        current, stopped, checked = [token("k0")], threading.Event(), []

        def rotate() -> None:
            try:
                for number in range(1, 40):
                    server.document = listed(f"k{number - 1}", f"k{number}")
                    poller.poll()
                    current.append(token(f"k{number}"))
                    server.document = listed(f"k{number}")  # the one before stays good for as long as its tokens live
                    poller.poll()
                    made.monotonic.advance(20)
            finally:
                stopped.set()

        def work() -> None:
            while not stopped.is_set():
                newest = len(current)
                for text in current[max(0, newest - 2) : newest]:
                    made.verifier.verify(text)
                    checked.append(1)

        rotating = threading.Thread(target=rotate)
        rotating.start()
        side_by_side(work)
        rotating.join()
    assert len(current) == 40
    assert len(checked) >= 40
    assert refused(made, current[30]) == refusal.UNKNOWN_KEY


def test_every_good_token_is_accepted_at_every_step_of_a_rotation() -> None:
    """What another thread could see between any two instructions."""
    made = Made(overlap=60.0)
    seen: list[str] = []
    good: list[str] = []

    def look(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself
        if frame.f_code.co_filename != token_keys.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            try:
                seen.extend(made.verifier.verify(text).key_id for text in good or [token("k0")])
            except TokenRefusedError as error:
                seen.append(error.reason)
        return look

    for number in range(3):
        if number:
            good[:] = [token(f"k{number - 1}")]
        for document in (listed(*(f"k{each}" for each in (number - 1, number) if each >= 0)), listed(f"k{number}")):
            before = sys.gettrace()
            sys.settrace(look)
            try:
                assert made.keys.offer(document) == ()
            finally:
                sys.settrace(before)
    before_the_first = seen.count(refusal.NO_KEYS)
    assert seen[:before_the_first] == [refusal.NO_KEYS] * before_the_first
    assert set(seen[before_the_first:]) == {"k0", "k1"}
    assert len(seen) > 1000


# -- revocations


def revoking(*, accept_stale: bool, **revoked: object) -> tuple[Made, Reader, FakeClock]:
    monotonic, wall = FakeClock(), FakeClock(NOW)
    reader = Reader(revocation_rules("revoked", TRUSTED), NO_REVOCATIONS, clocks=Clocks(wall=wall, monotonic=monotonic))
    revocations = Revocations(reader, max_age=60.0, accept_stale=accept_stale, wall=wall)
    made = Made(revocations=revocations)
    made.keys.offer(listed("a"))
    values = {"format": "truetier/revocations/1", "revoked": {LOGIN: revoked} if revoked else {}}
    assert reader.offer(signed(1, values, scope="revoked")) == ()
    return made, reader, monotonic


@pytest.mark.parametrize(
    ("revoked", "is_good"),
    [
        ({}, True),
        ({"tokens": {"1": NOW}}, False),
        ({"tokens": {"2": NOW}}, True),
        ({"keys": {"a": NOW}}, False),
        ({"subjects": {"alice": NOW + 1}}, False),
        ({"subjects": {"alice": NOW}}, True),
        ({"subjects": {"bob": NOW + 1}}, True),
        ({"not_before": NOW + 0.5}, False),
        ({"not_before": NOW}, True),
    ],
)
def test_what_was_revoked_is_refused_and_nothing_else(revoked: dict[str, object], is_good: bool) -> None:  # noqa: FBT001 - a case
    made, _, clock = revoking(accept_stale=False, **revoked)
    clock.advance(5)
    if is_good:
        verified = made.verifier.verify(token())
        assert (verified.revocations_age, verified.is_unsure) == (5, False)
    else:
        assert refused(made, token()) == refusal.REVOKED


def test_a_token_that_does_not_say_when_it_was_issued_was_issued_before_any_moment() -> None:
    made, *_ = revoking(accept_stale=True, subjects={"alice": 1})
    assert refused(made, token(iat=None)) == refusal.REVOKED
    made.verifier.verify(token(iat=None, sub="bob"))


def test_a_stale_list_is_accepted_with_a_flag_or_refused_as_the_caller_said() -> None:
    for accept in (True, False):
        made, reader, clock = revoking(accept_stale=accept, tokens={"2": NOW})
        clock.advance(60)
        assert not made.verifier.verify(token()).is_unsure
        clock.advance(1)
        assert refused(made, token(jti="2")) == refusal.REVOKED
        if accept:
            verified = made.verifier.verify(token())
            assert (verified.is_unsure, verified.revocations_age) == (True, 61)
        else:
            with pytest.raises(TokenRefusedError, match="61 seconds") as error:
                made.verifier.verify(token())
            assert (error.value.reason, error.value.is_ours) == (refusal.REVOCATIONS_STALE, True)
        reader.confirm()
        assert not made.verifier.verify(token()).is_unsure


def test_a_list_that_has_expired_and_one_that_never_came_are_stale() -> None:
    made, reader, _ = revoking(accept_stale=False)
    made.verifier.verify(token())
    revocations = made.verifier._revocations
    assert revocations is not None
    wall = revocations._wall
    assert isinstance(wall, FakeClock)
    wall.now = reader.running.header.not_after + 1 if reader.running.header else 0
    assert refused(made, token()) == refusal.REVOCATIONS_STALE
    empty = Reader(revocation_rules("revoked", TRUSTED), NO_REVOCATIONS)
    assert Revocations(empty, max_age=60.0, accept_stale=False).is_stale


def test_a_malformed_list_of_revocations_is_refused_and_the_one_before_goes_on() -> None:
    made, reader, _ = revoking(accept_stale=True, tokens={"1": NOW})
    of_one: tuple[object, ...] = ([], {"tokens": ["1"]}, {"not_before": "x"}, {"token": {}}, {"keys": {"a": "x"}})
    wrong: tuple[object, ...] = ([], *({LOGIN: each} for each in of_one))
    for revoked in wrong:
        document = signed(2, {"format": "truetier/revocations/1", "revoked": revoked}, scope="revoked")
        assert [mistake.reason for mistake in reader.offer(document)] == [refusal.SCHEMA]
    assert [mistake.reason for mistake in reader.offer(signed(2, {"revoked": {}}, scope="revoked"))] == [refusal.SCHEMA, refusal.EMPTY]
    assert refused(made, token()) == refusal.REVOKED


@pytest.mark.parametrize("revoked", [{"not_before": NOW * 1000}, {"subjects": {"bob": 1, "alice": NOW * 1000}}])
def test_milliseconds_which_would_revoke_every_token_for_ever_are_refused(revoked: dict[str, object]) -> None:
    made, reader, _ = revoking(accept_stale=True)
    document = signed(2, {"format": "truetier/revocations/1", "revoked": {LOGIN: revoked}}, scope="revoked")
    (mistake,) = reader.offer(document)
    assert f"{NOW * 1000} would revoke all that will ever be issued" in mistake.message
    made.verifier.verify(token())


def test_a_reader_of_anything_else_is_no_list_of_revocations() -> None:
    from runtime.tests.signed import rules

    with pytest.raises(UsageError, match=r"max_age.*revocation_rules"):
        Revocations(Reader(rules(), {"a": 1}), max_age=0, accept_stale=True)


def test_what_is_missing_here_is_told_apart_from_what_is_wrong_with_the_token() -> None:
    made = Made()
    with pytest.raises(TokenRefusedError) as error:
        made.verifier.verify(token())
    assert (error.value.reason, error.value.is_ours) == (refusal.NO_KEYS, True)
    made.keys.offer(listed("a"))
    made.passes(8 * DAY)
    with pytest.raises(TokenRefusedError) as error:
        made.verifier.verify(token(exp=NOW + 9 * DAY))
    assert (error.value.reason, error.value.is_ours) == (refusal.KEYS_TOO_OLD, True)
    with pytest.raises(TokenRefusedError) as error:
        made.verifier.verify(token(iss="x"))
    assert not error.value.is_ours
