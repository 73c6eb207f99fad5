from __future__ import annotations

import asyncio
import math
import os
import queue
import socket
import subprocess
import sys
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("cryptography")

from hypothesis import given
from hypothesis import strategies as st

from runtime.tests.served import Served, served
from runtime.tests.signed import STRANGER, Made, signed
from truetier_runtime import hooks
from truetier_runtime.copies import Copies
from truetier_runtime.errors import SourceDownError, UsageError
from truetier_runtime.poller import Pace, Poller
from truetier_runtime.sources import BucketSource, Fetched, FileSource, HttpSource, hints, listen, source_of
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as what:
        yield what


def polled(server: Served, copies: Copies | None = None) -> tuple[Made, Poller]:
    made = Made(copies=copies)
    return made, Poller(made.reader, HttpSource(server.url + "/shop?x=1", headers={"X-Who": "me"}))


def test_a_document_is_taken_from_a_server_and_only_its_tag_is_sent_from_then_on(server: Served) -> None:
    made, poller = polled(server)
    server.document, server.etag = signed(1), '"one"'
    poller.poll()
    made.monotonic.advance(5)
    poller.poll()
    assert (made.reader.version, made.reader.age, made.told()) == (1, 0, [hooks.ACTIVATED])
    assert [headers.get("If-None-Match") for _, _, headers in server.asked] == [None, '"one"']
    assert {(path, headers["X-Who"]) for _, path, headers in server.asked} == {("/shop?x=1", "me")}


def test_the_tag_of_a_document_that_was_refused_is_not_sent_so_that_nothing_confirms_it(server: Served) -> None:
    made, poller = polled(server)
    server.document = signed(1)
    poller.poll()
    made.monotonic.advance(5)
    server.document, server.etag = b"<html>all is well</html>", '"page"'
    poller.poll()
    poller.poll()
    assert made.reader.age == 5
    assert made.told() == [hooks.ACTIVATED, hooks.SNAPSHOT_REFUSED, hooks.SNAPSHOT_REFUSED]
    assert server.asked[-1][2].get("If-None-Match") is None


@pytest.mark.parametrize("status", [204, 206, 301, 304, 404, 429, 500, 503])
def test_any_other_status_is_a_source_that_is_down_and_what_ran_goes_on(status: int, server: Served) -> None:
    made, poller = polled(server)
    server.document = signed(1)
    poller.poll()
    made.facts.clear()
    server.status, server.document = status, b""
    poller.poll()
    assert (made.reader.version, made.told(), made.reader.is_down) == (1, [hooks.SOURCE_DOWN], True)
    assert f"status {status}" in str(made.facts[0].detail)
    server.status, server.document = 200, signed(2)
    poller.poll()
    assert (made.reader.version, made.told()[1:], made.reader.is_down) == (2, [hooks.SOURCE_UP, hooks.ACTIVATED], False)


def test_with_the_server_gone_a_cold_start_serves_what_was_good_last_though_the_last_answers_were_not(tmp_path: Path) -> None:
    with served() as server:
        made, poller = polled(server, Copies(str(tmp_path)))
        answers = [signed(3), signed(3)[:-4], b"<html>", b"{}", signed(4, {}), signed(5, keys=(STRANGER,)), signed(2), b""]
        for server.document in answers:
            poller.poll()
    cold, poller = polled(server, Copies(str(tmp_path)))
    cold.reader.start()
    poller.poll()
    assert (cold.reader.version, cold.reader.values["limits"]["rps"], cold.told()) == (3, 100, [hooks.ACTIVATED, hooks.SOURCE_DOWN])
    assert len(made.told()) == len(answers)


def once(answer: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(answer)

    return write


def no_end(server: Served, head: bytes, piece: bytes = b"") -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        while not server.ended.wait(0.01):
            request.wfile.write(piece)

    return answer


def test_a_server_that_never_stops_sending_is_read_no_further_than_allowed(server: Served) -> None:
    server.answer = no_end(server, b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 100_000)
    assert len(HttpSource(server.url).fetch("", 150_001).document or b"") == 150_001


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
@pytest.mark.parametrize("piece", [b"", b"1"])
def test_a_server_that_drips_or_is_silent_is_given_up_though_no_piece_of_it_was_late(head: bytes, piece: bytes, server: Served) -> None:
    server.answer = no_end(server, head, piece)
    with pytest.raises(SourceDownError, match=r"did not answer: (no end of the answer in time|TimeoutError: timed out)"):
        HttpSource(server.url, timeout=0.1).fetch("", 10_000)


def test_a_connection_that_ends_early_is_a_source_that_is_down(server: Served) -> None:
    server.answer = once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
    with pytest.raises(SourceDownError, match="IncompleteRead"):
        HttpSource(server.url).fetch("", 100)


def test_a_length_that_was_said_is_the_end_though_the_connection_stays_open(server: Served) -> None:
    server.answer = no_end(server, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert HttpSource(server.url).fetch("", 100).document == b"abc"


@pytest.mark.skipif(sys.platform != "linux", reason="whom a full queue keeps waiting differs")
def test_an_address_that_is_silent_keeps_nobody_from_the_next_one(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    server.document = b"here"
    port = int(server.url.rpartition(":")[2])
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second, socket.socket() as third:
        silent.bind(("127.0.0.2", port))
        silent.listen(0)
        for waiting in (first, second, third):  # nobody accepts: those who come later are not answered
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.2", port))
        known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: known)
        assert HttpSource(f"http://config.example:{port}/", timeout=4).fetch("", 9).document == b"here"


def test_nobody_listening_is_a_source_that_is_down() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(SourceDownError, match="ConnectionRefusedError"):
            HttpSource(f"http://127.0.0.1:{bound.getsockname()[1]}/").fetch("", 100)


@pytest.mark.parametrize("url", ["", "ftp://a/b", "http://", "http://a:b/", "http://me:secret@a/", "http://[/"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        HttpSource(url)


def test_a_file_is_a_source_and_a_folder_stands_for_the_current_one_in_it(tmp_path: Path) -> None:
    (tmp_path / "current.snapshot").write_bytes(b"12345")
    for path in (tmp_path, tmp_path / "current.snapshot"):
        assert FileSource(str(path)).fetch("", 3).document == b"123"
    with pytest.raises(SourceDownError, match="No such file"):
        FileSource(str(tmp_path / "other")).fetch("", 3)


def test_a_bucket_is_a_source() -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe_file("/bucket/current.snapshot", b"12345")
    source = BucketSource("memory://bucket/current.snapshot")
    assert [source.fetch("", most).document for most in (3, 5, 9)] == [b"123", b"12345", b"12345"]
    for place in ("memory://bucket/other", "nothing-of-the-kind://a"):
        with pytest.raises(SourceDownError, match="cannot read"):
            BucketSource(place).fetch("", 3)


@pytest.mark.parametrize("place", ["s3:/bucket/x", "https:/a/b"])
def test_half_an_address_is_no_path(place: str) -> None:
    with pytest.raises(UsageError, match="is half an address"):
        source_of(place)
    assert source_of(f"./{place}").path == f"./{place}"  # type: ignore[attr-defined] # a file
    assert source_of("c:/a").path == "c:/a"  # type: ignore[attr-defined] # as above


@pytest.mark.parametrize("tag", ['"\x85"', '"\t"', f'"{"x" * 1000}"'])
def test_a_tag_that_could_not_be_sent_back_is_none(tag: str, server: Served) -> None:
    server.document, server.etag = signed(1), tag
    made, poller = polled(server)
    poller.poll()
    poller.poll()
    assert [asked[2].get("If-None-Match") for asked in server.asked] == [None, None]
    assert (made.reader.version, made.reader.is_down) == (1, False)


def test_a_header_that_cannot_be_sent_is_named_and_not_shown(server: Served) -> None:
    with pytest.raises(SourceDownError, match="the header Authorization has characters") as raised:
        HttpSource(server.url, headers={"X-Who": "me", "Authorization": "Bearer secret\n"}).fetch("", 9)
    assert "secret" not in str(raised.value)


def test_a_word_stands_for_the_source_that_it_looks_like() -> None:
    kinds = [type(source_of(word)) for word in ("http://a/b", "https://a", "s3://a/b", "a/b", "/a", "file:///a")]
    assert kinds == [HttpSource, HttpSource, BucketSource, FileSource, FileSource, FileSource]


# -- pace


class Scripted:
    """A source that does what it is told next."""

    def __init__(self, *answers: bytes | Exception | None) -> None:
        self.answers = list(answers)
        self.tags: list[str] = []
        self.asked: queue.Queue[int] = queue.Queue()

    def fetch(self, tag: str, most_bytes: int) -> Fetched:
        self.tags.append(tag)
        self.asked.put(most_bytes)
        answer = self.answers.pop(0) if self.answers else SourceDownError("nothing more")
        if isinstance(answer, Exception):
            raise answer
        return Fetched(answer, "tag")


def paced(source: Scripted, made: Made | None = None, draw: float = 0.5) -> tuple[Poller, FakeClock]:
    clock = FakeClock(1000)
    return Poller((made or Made()).reader, source, Pace(40), clock=clock, draw=lambda: draw), clock


@given(st.floats(0, 1), st.floats(0.001, 1e6), st.floats(0, 0.99))
def test_the_wait_after_a_poll_is_the_interval_give_or_take_the_jitter(draw: float, interval: float, jitter: float) -> None:
    wait = Pace(interval, jitter=jitter).after(draw)
    assert interval * (1 - jitter) * 0.999_999 <= wait <= interval * (1 + jitter) * 1.000_001


@given(st.floats(0, 1), st.floats(0, 100), st.floats(0, 100))
def test_a_hint_never_postpones_a_poll_and_never_brings_it_closer_to_the_last_than_the_least_gap(
    draw: float, waited: float, left: float
) -> None:
    pace = Pace(40)
    due = pace.hinted(waited + left, 0.0, waited, draw)
    assert due <= waited + left
    assert due >= min(waited + left, pace.least_gap)
    assert due >= min(waited + left, waited)


def test_failures_make_it_neither_faster_nor_slower() -> None:
    clock_of_polls = []
    answers: list[bytes | Exception] = [SourceDownError("x"), ZeroDivisionError(), b"<html>", signed(1), SourceDownError("x")]
    source = Scripted(*answers, *answers)
    poller, clock = paced(source)
    for _ in range(10_000):
        before = len(source.tags)
        poller.step()
        if len(source.tags) > before:
            clock_of_polls.append(clock.now)
        clock.advance(0.125)
    gaps = {after - before for before, after in pairwise(clock_of_polls)}
    assert gaps == {40}


def test_a_hint_moves_the_next_poll_forward_once_and_only_while_the_source_is_up() -> None:
    poller, clock = paced(Scripted(signed(1), signed(2), SourceDownError("x")))
    clock.advance(40)
    assert poller.step() == 40
    clock.advance(1)
    for _ in range(100):
        poller.hint()
    assert poller.step() == 3 + 5  # a tenth of the interval after the last, and half of the spread
    clock.advance(8)
    assert poller.step() == 40
    clock.advance(40)
    poller.step()
    assert poller.reader.is_down
    poller.hint()
    assert poller.step() == 40


def test_the_first_poll_comes_sooner_where_there_are_only_defaults() -> None:
    made = Made()
    assert paced(Scripted(), made)[0].step() == 2
    made.offer(signed(1))
    assert paced(Scripted(), made)[0].step() == 20


def test_a_tag_is_handed_back_only_when_the_document_was_good() -> None:
    source = Scripted(signed(1), b"<html>", signed(2), None, None)
    poller, _ = paced(source)
    for _ in range(5):
        poller.poll()
    assert source.tags == ["", "tag", "", "tag", "tag"]
    assert source.asked.get() == poller.reader.max_bytes + 1


NOT_NUMBERS = [{"interval": math.inf}, *({name: math.nan} for name in ("interval", "jitter", "spread", "least_gap"))]


@pytest.mark.parametrize("wrong", [{"interval": 0}, {"jitter": 1}, {"jitter": -0.1}, {"spread": -1}, {"least_gap": -1}, *NOT_NUMBERS])
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Pace(**wrong)


def test_on_a_thread_it_polls_until_it_is_stopped_and_survives_what_hooks_raise(caplog: pytest.LogCaptureFixture) -> None:
    made = Made()
    source = Scripted(signed(1), *[signed(2)] * 3)
    is_raised = threading.Event()

    def broken(_: object) -> None:
        is_raised.set()
        raise ZeroDivisionError

    made.reader._hooks = (broken,)
    stop = Poller(made.reader, source, Pace(0.001)).start()
    for _ in range(4):
        source.asked.get(timeout=60)
    stop()
    assert is_raised.is_set()
    assert made.reader.version == 2
    assert "a hook failed at Fact('snapshot" in caplog.text


class Cancelled:
    """A source that is asked by way of an event loop, which was closed once."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_asked_again = threading.Event()

    def fetch(self, _: str, most_bytes: int) -> Fetched:
        self.asked += 1
        if self.asked == 1:
            raise asyncio.CancelledError
        self.is_asked_again.set()
        return Fetched(signed(1)[:most_bytes])


def test_a_source_that_was_cancelled_is_asked_again_on_a_thread_and_in_an_event_loop() -> None:
    source = Cancelled()
    stop = Poller(Made().reader, source, Pace(0.001)).start()
    assert source.is_asked_again.wait(60)
    stop()
    source = Cancelled()

    async def main() -> None:
        running = asyncio.create_task(Poller(Made().reader, source, Pace(0.001)).run())
        assert await asyncio.to_thread(source.is_asked_again.wait, 60)
        running.cancel()

    asyncio.run(main())


FORKED = """
import os, sys, threading
from runtime.tests.signed import Made, signed
from truetier_runtime.hooks import ACTIVATED
from truetier_runtime.poller import Pace, Poller
from truetier_runtime.sources import FileSource
made, source, is_running = Made(), FileSource(sys.argv[1]), threading.Event()
made.reader.watch(lambda fact: is_running.set() if fact.kind == ACTIVATED else None)
Poller(made.reader, source, Pace(0.001)).start()
is_running.wait(60)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
is_running.clear()
with open(sys.argv[1] + ".new", "wb") as file:
    file.write(signed(2))
os.replace(sys.argv[1] + ".new", sys.argv[1])
Poller(made.reader, source, Pace(0.001)).start()
is_running.wait(60)
os._exit(0 if made.reader.version == 2 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_after_a_fork_a_poller_that_is_started_in_the_child_goes_on_there(tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(signed(1))
    line = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path / "shop")]
    ended = subprocess.run(line, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, check=False, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_in_an_event_loop_it_polls_until_it_is_cancelled_and_a_hint_from_a_thread_wakes_it() -> None:
    made = Made()
    source = Scripted(signed(1), signed(2))
    poller = Poller(made.reader, source, Pace(1000, least_gap=0, spread=0), draw=lambda: 0.0)
    activated: queue.Queue[hooks.Fact] = queue.Queue()
    made.reader._hooks = (lambda fact: activated.put(fact) if fact.kind == hooks.ACTIVATED else None,)

    async def main() -> None:
        running = asyncio.create_task(poller.run())
        await asyncio.to_thread(activated.get, timeout=60)
        await asyncio.to_thread(poller.hint)
        await asyncio.to_thread(activated.get, timeout=60)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert made.reader.version == 2


# -- hints


def test_an_event_is_a_hint_and_a_comment_or_an_empty_line_is_none(server: Served) -> None:
    stream = b": hello\n\ndata: 1\n\n\n\nevent: x\ndata: 2\r\ndata: 3\r\n\r\nid: 4\n\ndata: cut"
    server.answer = once(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + stream)
    assert list(hints(server.url)) == [None, None]


@pytest.mark.parametrize("head", [b"HTTP/1.1 503 No\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"])
def test_what_is_no_stream_of_events_is_a_source_that_is_down(head: bytes, server: Served) -> None:
    server.answer = once(head)
    with pytest.raises(SourceDownError, match="no stream of events"):
        list(hints(server.url))


def test_a_stream_that_is_silent_for_too_long_is_a_source_that_is_down(server: Served) -> None:
    server.answer = no_end(server, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    heard: list[None] = []
    with pytest.raises(SourceDownError, match="did not answer"):
        heard.extend(hints(server.url, quiet=0.05))
    assert heard == [None]


def test_listening_goes_on_after_the_connection_ended(server: Served) -> None:
    server.answer = once(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    heard: queue.Queue[None] = queue.Queue()
    stop = listen(server.url, lambda: heard.put(None), pause=lambda: 0.0)
    for _ in range(3):
        heard.get(timeout=60)
    stop()


def test_listening_survives_what_a_hint_raises_and_begins_with_an_address_alone(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    server.answer = once(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    hinted: queue.Queue[None] = queue.Queue()

    def hint() -> None:
        hinted.put(None)
        raise ZeroDivisionError

    stop = listen(server.url, hint, pause=lambda: 0.001)
    for _ in range(2):
        hinted.get(timeout=60)
    stop()
    assert "begins anew" in caplog.text
    with pytest.raises(UsageError, match="no address"):
        listen("htp://a/", hint, pause=lambda: 0.001)


def test_an_event_brings_a_document_to_a_reader_long_before_it_would_have_asked(server: Served) -> None:
    documents, events = HttpSource(server.url + "/document"), server.url + "/events"
    is_new = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/document":
            server.usual(request)
        else:
            is_new.wait(60)
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: new\n\n")

    server.answer, server.document = answer, signed(1)
    made = Made()
    activated: queue.Queue[float | str] = queue.Queue()
    made.reader._hooks = (lambda fact: activated.put(fact.detail) if fact.kind == hooks.ACTIVATED else None,)
    poller = Poller(made.reader, documents, Pace(1e6, least_gap=0, spread=0), draw=lambda: 0.0)
    stops = [poller.start(), listen(events, poller.hint, pause=lambda: 0.01)]
    assert activated.get(timeout=60) == 1
    server.document = signed(2)
    is_new.set()
    assert activated.get(timeout=60) == 2
    for stop in stops:
        stop()
