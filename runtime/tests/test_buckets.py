"""Publishing to a bucket and reading from it, over the S3 interface by HTTP."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("flask_cors")
pytest.importorskip("moto")
pytest.importorskip("s3fs")

import s3fs

from runtime.tests.buckets import Buckets, buckets, s3_at
from runtime.tests.served import served
from runtime.tests.signed import NOW, STRANGER, VALUES, Made, rules, signed
from truetier_runtime import hooks, refusal
from truetier_runtime.config_command import DONE, REFUSED, UNREADABLE, main
from truetier_runtime.copies import Copies
from truetier_runtime.errors import DocumentRefusedError, SourceDownError
from truetier_runtime.poller import Poller
from truetier_runtime.publisher import BucketTarget, current, publish
from truetier_runtime.sources import BucketSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACE = "s3://config/shop.snapshot"


@pytest.fixture
def s3() -> Iterator[Buckets]:
    with buckets() as what:
        yield what


def test_a_bucket_takes_documents_and_gives_no_more_of_them_than_it_is_asked_for(s3: Buckets) -> None:
    target = BucketTarget(PLACE, **s3.options)
    assert current(target, rules()) is None
    assert publish(signed(1), target, rules(), NOW)
    assert publish(signed(2), target, rules(), NOW)
    assert not publish(signed(2), target, rules(), NOW)
    for document, reason in (
        (signed(1), refusal.ROLLBACK),
        (signed(2, {"a": 1}), refusal.MIX_AND_MATCH),
        (signed(3, keys=(STRANGER,)), refusal.UNTRUSTED),
    ):
        with pytest.raises(DocumentRefusedError) as raised:
            publish(document, target, rules(), NOW)
        assert raised.value.reason == reason
    whole = signed(2)
    for most in (1, len(whole) - 1, len(whole), len(whole) + 1, 1_000_001):
        assert BucketSource(PLACE, **s3.options).fetch("", most).document == whole[:most]


def test_a_reader_that_polls_between_any_two_requests_of_a_publisher_takes_the_old_or_the_new_and_refuses_nothing(s3: Buckets) -> None:
    target = BucketTarget(PLACE, **s3.options)
    publish(signed(1), target, rules(), NOW)
    made = Made()
    poller = Poller(made.reader, BucketSource(PLACE, **s3.options))
    seen = []

    def watch() -> None:
        poller.poll()
        seen.append(made.reader.version)

    s3.watch = watch
    for version in range(2, 6):
        assert publish(signed(version), target, rules(), NOW)
    s3.watch = None
    # One request changes something, and it changes all of it.
    assert [method for method in s3.asked if method == "PUT"] == ["PUT"] * 4
    assert {"POST", "DELETE"}.isdisjoint(s3.asked)
    assert seen == sorted(seen)
    assert set(seen) == {1, 2, 3, 4, 5}
    assert made.told() == [hooks.ACTIVATED] * 5


def test_what_is_not_there_or_may_not_be_read_is_a_source_that_is_down(s3: Buckets) -> None:
    for place in ("s3://config/other", "s3://no-such-bucket/shop.snapshot"):
        with pytest.raises(SourceDownError, match=f"cannot read {place}"):
            BucketSource(place, **s3.options).fetch("", 100)
    with pytest.raises(SourceDownError, match="cannot write s3://no-such-bucket/x"):
        BucketTarget("s3://no-such-bucket/x", **s3.options).put(b"")
    s3fs.S3FileSystem(**s3.options).pipe_file("config/empty", b"")
    with pytest.raises(SourceDownError):
        BucketSource("s3://config/empty", **s3.options).fetch("", 100)


def test_what_somebody_else_published_since_is_seen_though_the_bucket_was_listed_before(s3: Buckets) -> None:
    BucketTarget("s3://config/other", **s3.options).put(b"1")
    target = BucketTarget(PLACE, **s3.options)
    assert target._opened()[0].ls("config") == ["config/other"]
    s3fs.S3FileSystem(**s3.options, skip_instance_cache=True).pipe_file("config/shop.snapshot", signed(7))
    with pytest.raises(DocumentRefusedError, match=refusal.ROLLBACK):
        publish(signed(6), target, rules(), NOW)


def test_a_bucket_that_fails_is_asked_once_a_poll_and_more_often_only_for_who_wants_it() -> None:
    with served() as server:
        server.status = 503
        twice = {"config_kwargs": {"retries": {"total_max_attempts": 2}}}
        for options, asked in (({}, 1), ({}, 1), (twice, 2)):
            with pytest.raises(SourceDownError, match="Service Unavailable"):
                BucketSource(PLACE, **s3_at(server.url), **options).fetch("", 100)
            assert len(server.asked) == asked
            server.asked.clear()


def test_with_the_bucket_gone_a_cold_start_serves_what_was_good_last(tmp_path: Path) -> None:
    copies = Copies(str(tmp_path))
    with buckets() as s3:
        BucketTarget(PLACE, **s3.options).put(signed(3))
        made = Made(copies=copies)
        Poller(made.reader, BucketSource(PLACE, **s3.options)).poll()
        assert made.reader.version == 3
    cold = Made(copies=copies)
    cold.reader.start()
    Poller(cold.reader, BucketSource(PLACE, **s3.options)).poll()
    assert (cold.reader.version, cold.told()) == (3, [hooks.ACTIVATED, hooks.SOURCE_DOWN])


def test_the_command_publishes_to_a_bucket_that_the_environment_names(
    s3: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("ENDPOINT_URL", s3.url), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text(json.dumps(VALUES))
    sign = "sign body.json --scope shop --valid-for 1d --key one.key"
    for line, code in (
        ("keygen one", DONE),
        (f"{sign} --after {PLACE} -o 1.snapshot", DONE),
        (f"publish 1.snapshot {PLACE} --scope shop --trust one.pub", DONE),
        (f"{sign} --after {PLACE} -o 2.snapshot", DONE),
        (f"publish 2.snapshot {PLACE} --scope shop --trust one.pub", DONE),
        (f"publish 1.snapshot {PLACE} --scope shop --trust one.pub", REFUSED),
        ("show s3://config/other", UNREADABLE),
        (f"verify {PLACE} --scope shop --trust one.pub", DONE),
    ):
        assert main(shlex.split(line)) == code
    assert "scope shop, version 2" in capsys.readouterr().out
