"""What senders are answered, and that an answer of 200 comes after the disk's."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToJson
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # generated, without types
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.unit.sources.traces.otlp_wire.requests import content, request, span
from truetier.app.receive import sift_with
from truetier.telemetry.receiver import endpoint, unpacking
from truetier.telemetry.receiver.answers import RefusedError
from truetier.telemetry.receiver.endpoint import Endpoint
from truetier.telemetry.receiver.journal import Journal
from truetier.telemetry.receiver.segments import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.telemetry.receiver.segments import Segments

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TOKEN = "s3cret"


class Disk:
    """In place of segments: keeps what is committed, fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self.committed: list[bytes] = []
        self.commits = 0
        self._failures = deque(failures)

    def commit(self, requests: Sequence[bytes]) -> None:
        self.commits += 1
        if self._failures:
            raise self._failures.popleft()
        self.committed += requests


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def said(self) -> str:
        """What the body says is wrong, in whichever encoding it has."""
        if self.headers["content-type"] == JSON:
            return str(json.loads(self.body)["message"])
        return str(Status.FromString(self.body).message)


class Asked(NamedTuple):
    body: bytes = b""
    path: str = "/v1/traces"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = (("content-type", PROTOBUF),)
    parts: int = 1
    is_cut_off: bool = False


@contextmanager
def serving(disk: Disk | Segments, token: str | None = None) -> Iterator[tuple[Endpoint, Journal]]:
    with ThreadPoolExecutor(2) as threads:
        journal = Journal(disk)  # type: ignore[arg-type] # as far as it is used
        yield Endpoint(journal, sift_with(()), threads, token=token), journal


async def ask(application: Endpoint, asked: Asked) -> Got:
    size = -(-len(asked.body) // asked.parts) or 1
    pieces = [asked.body[begin : begin + size] for begin in range(0, len(asked.body), size)] or [b""]
    last = -1 if asked.is_cut_off else len(pieces) - 1
    messages = deque({"type": "http.request", "body": piece, "more_body": place != last} for place, piece in enumerate(pieces))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return messages.popleft() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    headers = [(name.encode(), value.encode("latin-1")) for name, value in asked.headers]
    scope = {"type": "http", "path": asked.path, "method": asked.method, "headers": headers}
    await application(scope, receive, send)
    if not sent:
        return Got(0, {}, b"")
    return Got(sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"])


def answers(disk: Disk, *asked: Asked, token: str | None = None) -> list[Got]:
    """To requests one after the other."""

    async def all_of_them() -> list[Got]:
        with serving(disk, token) as (application, journal):
            found = [await ask(application, each) for each in asked]
            await journal.close()
        assert application._held == 0, "what a request held is given back, whatever became of it"
        return found

    return asyncio.run(all_of_them())


def answer(asked: Asked, disk: Disk | None = None, token: str | None = None) -> Got:
    return answers(disk or Disk(), asked, token=token)[0]


def headers(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in ({"content_type": PROTOBUF} | given).items())


def test_spans_are_stored_and_the_answer_is_an_empty_response() -> None:
    disk = Disk()
    got = answer(Asked(content(1, 2)), disk)
    assert (got.status, got.headers["content-type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(got.body) == ExportTraceServiceResponse()
    assert ExportTraceServiceRequest.FromString(disk.committed[0]) == request(span(1), span(2))


def test_json_is_answered_in_json_and_stored_as_protobuf() -> None:
    disk = Disk()
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": span(1).trace_id.hex().upper(),
                                "spanId": "AAAAAAAAAAE=",  # base64, as some write it
                                "name": "GET",
                                "kind": "SPAN_KIND_CLIENT",
                                "startTimeUnixNano": str(span().start_time_unix_nano),
                                "endTimeUnixNano": span().end_time_unix_nano,
                            }
                        ]
                    }
                ],
            }
        ]
    }
    got = answer(Asked(json.dumps(body).encode(), headers=headers(content_type="application/json; charset=utf-8")), disk)
    assert (got.status, got.headers["content-type"], json.loads(got.body)) == (200, JSON, {})
    assert ExportTraceServiceRequest.FromString(disk.committed[0]) == request(span(1))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("parts", [1, 7])
def test_packed_bodies_in_any_number_of_parts(encoding: str, parts: int) -> None:
    disk = Disk()
    packed = gzip.compress(content(1)) if encoding == "gzip" else pa.compress(content(1), "zstd", asbytes=True)
    assert answer(Asked(packed, headers=headers(content_encoding=encoding), parts=parts), disk).status == 200
    assert ExportTraceServiceRequest.FromString(disk.committed[0]) == request(span(1))


def test_what_is_rejected_is_counted_and_the_rest_is_stored() -> None:
    disk = Disk()
    got = answer(Asked(request(span(1), span(2, trace_id=b"odd")).SerializeToString()), disk)
    told = ExportTraceServiceResponse.FromString(got.body).partial_success
    assert (got.status, told.rejected_spans, told.error_message) == (200, 1, "trace id is not 16 bytes: 1")
    assert ExportTraceServiceRequest.FromString(disk.committed[0]) == request(span(1))


@pytest.mark.parametrize("body", [b"", request().SerializeToString(), request(span(trace_id=b"")).SerializeToString()])
def test_where_nothing_is_kept_nothing_is_written(body: bytes) -> None:
    disk = Disk()
    assert answer(Asked(body), disk).status == 200
    assert disk.commits == 0


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        (Asked(path="/v1/metrics"), 404, "spans are taken at /v1/traces"),
        (Asked(path="/"), 404, "spans are taken at /v1/traces"),
        (Asked(method="GET"), 405, "/v1/traces takes POST"),
        (Asked(path="/healthz"), 405, "/healthz takes GET, HEAD"),
        (Asked(headers=()), 415, "content-type is not"),
        (Asked(headers=headers(content_type="text/plain")), 415, "content-type is not"),
        (Asked(headers=headers(content_encoding="br")), 415, "'br' is not gzip"),
        (Asked(b"\x1f\x8b no", headers=headers(content_encoding="gzip")), 400, "the body is not gzip, or was cut off"),
        (Asked(gzip.compress(content(1))[:-3], headers=headers(content_encoding="gzip")), 400, "the body is not gzip, or was cut off"),
        (Asked(b"none", headers=headers(content_encoding="zstd")), 400, "the body is not zstd, or was cut off"),
        (Asked(b"\xff\xff"), 400, "no ExportTraceServiceRequest"),
        (Asked(b"{", headers=headers(content_type=JSON)), 400, "in JSON"),
        (Asked(b'{"resourceSpans": 3}', headers=headers(content_type=JSON)), 400, "in JSON"),
        (Asked(headers=headers(content_length=str(33 * 1024**2))), 413, "larger than 32 MiB"),
        (Asked(headers=headers(content_length="9" * 5000)), 413, "larger than 32 MiB"),
        (Asked(bytes(33 * 1024**2), parts=40), 413, "larger than 32 MiB"),
        (Asked(gzip.compress(bytes(33 * 1024**2)), headers=headers(content_encoding="gzip")), 413, "larger than 32 MiB"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words_and_not_stored(asked: Asked, status: int, words: str) -> None:
    disk = Disk()
    got = answer(asked, disk)
    assert got.status == status
    assert words in got.said()
    assert "retry-after" not in got.headers, "to send it again is of no use"
    assert disk.commits == 0


@pytest.mark.parametrize("packing", [zlib.compress, lambda body: gzip.compress(gzip.compress(body))], ids=["zlib", "gzip twice"])
def test_other_packing_is_refused(packing: Any) -> None:  # noqa: ANN401 - a function
    assert answer(Asked(packing(content(1)), headers=headers(content_encoding="gzip"))).status == 400


@pytest.mark.parametrize(
    ("failure", "words"),
    [(DiskFullError(), "the disk that spans may take is full"), (OSError(28, "No space left on device"), "No space left on device")],
)
def test_a_full_disk_is_a_503_that_says_when_to_come_again_and_healthz_tells(failure: Exception, words: str) -> None:
    disk = Disk(failure)
    health = Asked(path="/healthz", method="GET")
    refused, unwell, stored, well = answers(disk, Asked(content(1)), health, Asked(content(1)), health)
    assert (refused.status, refused.headers["retry-after"]) == (503, "30")
    assert words in refused.said()
    assert unwell.status == (503 if isinstance(failure, DiskFullError) else 200)
    assert json.loads(unwell.body)["refused"] == {"503": 1}
    assert (stored.status, well.status, json.loads(well.body)["spans"]["accepted"]) == (200, 200, 1)


def test_too_much_at_once_is_a_429_that_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    body = content(1)
    monkeypatch.setattr(endpoint, "_MOST_AT_ONCE", len(body))

    async def both() -> list[Got]:
        with serving(Disk()) as (application, journal):
            found = list(await asyncio.gather(ask(application, Asked(body, parts=4)), ask(application, Asked(body, parts=4))))
            found += [await ask(application, Asked(body))]
            await journal.close()
            return found

    first, second, later = asyncio.run(both())
    assert sorted((first.status, second.status)) == [200, 429]
    refused = first if first.status == 429 else second
    assert refused.headers["retry-after"] == "1"
    assert later.status == 200, "what was held is given back"


def test_what_a_packed_body_takes_when_it_is_unpacked_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(bytes(100_000))
    monkeypatch.setattr(endpoint, "_MOST_AT_ONCE", 50_000)
    assert answer(Asked(packed, headers=headers(content_encoding="gzip"))).status == 429


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_PATIENCE", 0.0)
    got = answer(Asked(content(1), parts=9))
    assert (got.status, got.headers["connection"]) == (408, "close")


def test_a_sender_that_goes_away_leaves_nothing_behind() -> None:
    disk = Disk()
    gone, health = answers(disk, Asked(content(1), is_cut_off=True), Asked(path="/healthz", method="GET"))
    assert gone.status == 0
    assert json.loads(health.body)["refused"] == {"0": 1}
    assert disk.commits == 0


@pytest.mark.parametrize(
    ("shown", "status"), [(f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 401), ("Bearer \xe9", 401), (TOKEN, 401), ("", 401)]
)
def test_a_token_must_be_shown(shown: str, status: int) -> None:
    got = answer(Asked(content(1), headers=headers(authorization=shown)), token=TOKEN)
    assert got.status == status
    if status == 401:
        assert got.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in got.said()


def test_health_needs_no_token_and_head_has_no_body() -> None:
    assert answer(Asked(path="/healthz", method="GET"), token=TOKEN).status == 200
    assert answer(Asked(path="/healthz", method="HEAD")).body == b""


def test_an_error_of_ours_is_a_500_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    got = answer(Asked(content(1)), Disk(ZeroDivisionError()))
    assert (got.status, got.said()) == (500, "internal error")
    assert "please report this" in caplog.text


def test_an_answer_comes_when_the_disk_has_it_and_those_who_come_meanwhile_are_committed_together() -> None:
    committed: list[int] = []
    is_open = asyncio.Event()

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()

        class Slow(Disk):
            def commit(self, requests: Sequence[bytes]) -> None:
                asyncio.run_coroutine_threadsafe(is_open.wait(), loop).result()
                committed.append(len(requests))

        with serving(Slow()) as (application, journal):
            tasks = [asyncio.create_task(ask(application, Asked(content(number)))) for number in range(1, 6)]
            done, _ = await asyncio.wait(tasks, timeout=0.05)
            assert not done
            is_open.set()
            assert [(await task).status for task in tasks] == [200] * 5
            await journal.close()

    asyncio.run(all_of_them())
    assert sum(committed) == 5
    assert len(committed) <= 2, "those that came while the disk was busy are one commit"


def test_what_waits_is_committed_before_the_journal_closes() -> None:
    disk = Disk()

    async def close_at_once() -> None:
        journal = Journal(disk)  # type: ignore[arg-type]
        waiting = [asyncio.create_task(journal.put(b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0)
        await journal.close()
        await asyncio.gather(*waiting)

    asyncio.run(close_at_once())
    assert disk.committed == [b"0", b"1", b"2"]


names = st.sampled_from(["content-type", "content-encoding", "content-length", "authorization", "x"])
values = st.sampled_from([PROTOBUF, JSON, "gzip", "zstd", "identity", "0", "-1", "", "\xff"]) | st.text("aé0;=/ ", max_size=8)
paths = st.sampled_from(["/v1/traces", "/v1/traces/", "/healthz", "/", "", "/v1/traces\n"])
bodies = st.binary(max_size=60) | st.sampled_from(
    [content(1), gzip.compress(content(1)), MessageToJson(request(span(1))).encode(), b"[]", b"null", b'{"resourceSpans":[null]}']
)
asking = st.builds(
    Asked,
    bodies,
    paths,
    st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS"]),
    st.lists(st.tuples(names, values), max_size=4).map(tuple),
    st.integers(1, 4),
    st.booleans(),
)


@given(st.lists(asking, max_size=4))
def test_whatever_is_sent_is_answered_and_what_is_stored_is_what_was_accepted(asked: list[Asked]) -> None:
    disk = Disk()
    got = answers(disk, *asked, Asked(path="/healthz", method="GET"))
    for one, its in zip(asked, got, strict=False):
        assert its.status in ({200, 400, 404, 405, 413, 415} | ({0} if one.is_cut_off else set()))
    requests = map(ExportTraceServiceRequest.FromString, disk.committed)
    kept = sum(len(scope.spans) for each in requests for of in each.resource_spans for scope in of.scope_spans)
    assert json.loads(got[-1].body)["spans"]["accepted"] == kept


@given(st.binary(max_size=100), st.sampled_from(unpacking.ENCODINGS))
def test_any_bytes_are_unpacked_or_refused(body: bytes, encoding: str) -> None:
    packed = gzip.compress(body) if encoding == "gzip" else pa.compress(body, "zstd", asbytes=True)
    assert unpacking.unpacked(packed, encoding) == body
    for wrong in (body, packed[:-1]):
        with suppress(RefusedError):
            assert len(unpacking.unpacked(wrong, encoding)) <= unpacking.LARGEST
