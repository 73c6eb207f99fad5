"""The harness against code that keeps its promise, and against code of every kind that does not."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import http.client
import socket
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from truetier_runtime.breaker import Breaker
from truetier_runtime.errors import UsageError
from truetier_runtime.fallback import LastGood
from truetier_runtime.guard import Guard
from truetier_runtime.testing import Blackout, BlackoutError, FakeClock, Scripted, background, statically_stable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FunctionType


@pytest.fixture
def url() -> Iterator[str]:
    """A control plane that answers well."""
    with Scripted("fresh").served() as address:
        yield address


@pytest.fixture
def endpoint(url: str) -> str:
    return url.removeprefix("http://")


def ask(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content.decode()


def caught(work: Callable[[], object], *gone: str, **settings: object) -> BlackoutError:
    with pytest.raises(BlackoutError) as error, Blackout(*gone, **settings):  # type: ignore[arg-type] # what it takes
        work()
    return error.value


# -- code that keeps its promise


def test_a_guard_with_its_last_good_answer_goes_on_and_is_told_of_all_the_same(url: str, endpoint: str) -> None:
    """Its fallback answers, so nobody notices; but each call waits for the control plane first."""
    guard = Guard("flags", fallback=LastGood(60))
    assert guard.call(ask, url) == "fresh"
    answers: list[str] = []
    error = caught(lambda: answers.append(guard.call(ask, url)), endpoint)
    assert answers == ["fresh"]
    assert [violation.endpoint for violation in error.violations] == [endpoint]


def test_a_guard_whose_breaker_is_open_asks_nobody(url: str, endpoint: str) -> None:
    guard = Guard("flags", fallback=LastGood(60), breaker=Breaker(0.1, minimum_calls=2), clock=FakeClock())
    guard.call(ask, url)
    with background(), Blackout(endpoint):
        assert guard.call(ask, url) == "fresh"
    assert guard.state == "open"
    assert statically_stable(lambda: guard.call(ask, url), endpoint) == "fresh"


def test_a_snapshot_is_read_in_a_blackout_and_its_poller_may_fail_in_the_background(url: str, endpoint: str) -> None:
    pytest.importorskip("cryptography")
    from runtime.tests.signed import Made, signed
    from truetier_runtime import hooks
    from truetier_runtime.poller import Pace, Poller
    from truetier_runtime.sources import HttpSource

    made = Made()
    made.offer(signed())
    failed = threading.Event()

    def told(fact: hooks.Fact) -> None:
        if fact.kind == hooks.SOURCE_DOWN:
            failed.set()

    made.reader._hooks = (told,)
    with Blackout(endpoint) as blackout:
        stop = Poller(made.reader, HttpSource(url), Pace(0.001)).start()
        assert failed.wait(30)
        assert made.reader.values["limits"]["rps"] == 100
        stop()
    assert {violation.thread for violation in blackout.tolerated} == {"truetier-poller shop"}
    assert blackout.violations == []
    assert caught(Poller(made.reader, HttpSource(url)).poll, endpoint).violations, "the same on the hot path is not tolerated"


def test_tokens_are_verified_in_a_blackout_of_everything(url: str) -> None:
    pytest.importorskip("jwt")
    from runtime.tests.issued import Made, listed, token
    from truetier_runtime.errors import TokenRefusedError
    from truetier_runtime.sources import HttpSource

    made = Made()
    made.keys.offer(listed("a"))
    made.keys.poller(HttpSource(url))

    def verify() -> str:
        with contextlib.suppress(TokenRefusedError):
            made.verifier.verify(token("unknown"))
        return made.verifier.verify(token()).key_id

    assert statically_stable(verify) == "a"


def test_what_is_allowed_is_there_all_the_same(url: str, endpoint: str) -> None:
    assert statically_stable(lambda: ask(url), allow=[endpoint]) == "fresh"
    assert statically_stable(lambda: ask(url), "127.0.0.1:9", "config.example") == "fresh"
    assert statically_stable(lambda: ask(url), allow=["localhost"]) == "fresh"


def test_pairs_of_sockets_and_event_loops_are_nobodys_endpoints() -> None:
    async def go() -> int:
        await asyncio.sleep(0)
        return await asyncio.to_thread(int)

    def work() -> int:
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"x")
            assert other.recv(1) == b"x"
        return asyncio.run(go())

    assert statically_stable(work) == 0


# -- code that does not


def in_a_thread(url: str) -> None:
    """Swallows the error, on a thread of its own."""

    def run() -> None:
        with contextlib.suppress(OSError):
            ask(url)

    thread = threading.Thread(target=run, name="sneaky")
    thread.start()
    thread.join()


def by_asyncio(url: str) -> None:
    async def go() -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        with contextlib.suppress(OSError):
            await asyncio.open_connection(host, int(port))

    asyncio.run(go())


def at(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


def by_connect_ex(url: str) -> None:
    with socket.socket() as one, contextlib.suppress(OSError):
        one.connect_ex(at(url))


def by_create_connection(url: str) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection(at(url))


def by_another_name(url: str) -> None:
    with socket.socket() as one, contextlib.suppress(OSError):
        one.connect(("localhost", at(url)[1]))


def by_no_address(url: str) -> None:
    with socket.socket() as one, contextlib.suppress(OSError):
        one.connect(("0.0.0.0", at(url)[1]))


def dressed_up(url: str) -> None:
    with socket.socket(socket.AF_INET6) as one, contextlib.suppress(OSError):
        one.connect(("::ffff:127.0.0.1", at(url)[1]))


def by_datagram(url: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        with contextlib.suppress(OSError):
            one.sendto(b"x", at(url))
        with contextlib.suppress(OSError):
            one.sendmsg([b"x"], [], 0, at(url))


WAYS = [in_a_thread, by_asyncio, by_connect_ex, by_create_connection, by_another_name, by_no_address, dressed_up, by_datagram]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_all", [True, False])
def test_every_way_to_reach_it_fails_and_is_named_though_the_code_swallows_the_error(
    way: FunctionType,
    url: str,
    endpoint: str,
    is_all: bool,  # noqa: FBT001 - a case
) -> None:
    error = caught(lambda: way(url), *([] if is_all else [endpoint]))
    assert error.violations
    for violation in error.violations:
        assert violation.endpoint in {endpoint, endpoint.replace("127.0.0.1", "localhost")}
        assert way.__code__.co_filename in "".join(violation.stack), "who did it"
        assert str(violation) in str(error)
    assert (error.violations[0].thread == "sneaky") == (way is in_a_thread)
    assert len(error.violations) == (2 if way is by_datagram else 1)


def test_all_attempts_are_told_at_once_each_place_with_its_count(url: str, endpoint: str) -> None:
    def work() -> None:
        for _ in range(3):
            in_a_thread(url)
        by_connect_ex(url)

    error = caught(work, endpoint)
    assert [violation.times for violation in error.violations] == [3, 1]
    assert str(error).startswith("not statically stable: 2 attempts")
    assert "on thread sneaky, 3 times" in str(error)


def look_up(name: str) -> None:
    for ask_for in (
        lambda: socket.getaddrinfo(name, 443),
        lambda: socket.getaddrinfo(name.encode(), "https"),
        lambda: socket.gethostbyname(name),
        lambda: socket.gethostbyname_ex(name),
        lambda: asyncio.run(resolve(name)),
    ):
        with pytest.raises(socket.gaierror):
            ask_for()


async def resolve(name: str) -> None:
    await asyncio.get_running_loop().getaddrinfo(name, 443)


@pytest.mark.parametrize("gone", ["config.internal", "config.internal:443", ""])
def test_to_look_up_a_name_that_is_gone_is_an_attempt(gone: str) -> None:
    error = caught(lambda: look_up("Config.internal."), *filter(None, [gone]))
    assert len(error.violations) == 5
    assert {violation.what for violation in error.violations} == {"look up a name"}


def test_reverse_look_ups_are_attempts_too() -> None:
    def work() -> None:
        for ask_for in (lambda: socket.gethostbyaddr("10.9.8.7"), lambda: socket.getnameinfo(("10.9.8.7", 443), 0)):
            with pytest.raises(socket.gaierror):
                ask_for()

    assert len(caught(work).violations) == 2


def test_an_error_of_the_work_is_the_cause_of_what_is_raised(url: str, endpoint: str) -> None:
    error = caught(lambda: ask(url), endpoint)
    assert isinstance(error.__cause__, OSError)
    assert "blackout of" in str(error.__cause__)
    with pytest.raises(ZeroDivisionError), Blackout(endpoint):
        raise ZeroDivisionError


@pytest.mark.parametrize(("kind", "number"), [(ConnectionRefusedError, errno.ECONNREFUSED), (TimeoutError, errno.ETIMEDOUT)])
def test_it_fails_as_outages_do(kind: type[ConnectionRefusedError | TimeoutError], number: int, url: str, endpoint: str) -> None:
    seen: list[OSError] = []

    def work() -> None:
        try:
            socket.create_connection(at(url))
        except OSError as error:
            seen.append(error)

    caught(work, endpoint, error=kind)
    assert [(type(error), error.errno) for error in seen] == [(kind, number)]


def test_a_path_of_a_unix_socket_can_be_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "agent")
    with socket.socket(socket.AF_UNIX) as agent, socket.socket(socket.AF_UNIX) as pooled:
        agent.bind(path)
        agent.listen()
        pooled.connect(path)

        def work() -> None:
            with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):
                one.connect(path)
            with contextlib.suppress(OSError):
                pooled.send(b"x")

        assert [violation.endpoint for violation in caught(work, path).violations] == [path, path]


# -- connections that were open before


def test_a_connection_of_a_pool_that_was_open_before_is_cut_and_its_use_is_named(endpoint: str) -> None:
    pooled = http.client.HTTPConnection(*at(endpoint), timeout=30)
    pooled.connect()
    idle = socket.create_connection(at(endpoint), timeout=30)

    def work() -> None:
        pooled.request("GET", "/")

    error = caught(work, endpoint)
    assert isinstance(error.__cause__, ConnectionError), "what is sent reaches nobody"
    assert len(error.violations) == 1
    assert [violation.what for violation in error.violations] == ["send over a connection that was open before, to"]
    assert error.violations[0].endpoint == endpoint
    assert "work" in "".join(error.violations[0].stack)
    assert idle.recv(1) == b"", "who waits for an answer finds the connection closed"
    idle.close()
    pooled.close()
    with socket.create_connection(at(endpoint), timeout=30) as after:
        after.sendall(b"x")


def test_a_stream_of_an_event_loop_that_was_open_before_ends(endpoint: str) -> None:
    async def go() -> None:
        reader, writer = await asyncio.open_connection(*at(endpoint))
        with Blackout(endpoint):
            assert await reader.read() == b""
        writer.close()
        _, writer = await asyncio.open_connection(*at(endpoint))
        with pytest.raises(BlackoutError), Blackout(endpoint):
            writer.write(b"x")
        writer.close()

    asyncio.run(go())


def test_ways_to_send_are_as_they_were_after_a_blackout(endpoint: str) -> None:
    before = {name: getattr(socket.socket, name) for name in dir(socket.socket)}, dict(socket.socket.__dict__)
    with socket.create_connection(at(endpoint)), Blackout(endpoint):
        assert "sendall" in socket.socket.__dict__
    assert "sendall" not in socket.socket.__dict__
    assert ({name: getattr(socket.socket, name) for name in dir(socket.socket)}, dict(socket.socket.__dict__)) == before


def test_a_connection_to_somebody_else_that_was_open_before_is_left_alone(url: str) -> None:
    with (
        Scripted("other").served() as other,
        socket.create_connection(at(other), timeout=30) as pooled,
        Blackout(url.removeprefix("http://")),
    ):
        pooled.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert pooled.recv(12) == b"HTTP/1.0 200"


# -- what no audit event tells of


@pytest.mark.skipif(sys.platform != "linux", reason="C code is seen in the kernel's tables, which only Linux shows")
def test_c_code_that_connects_by_itself_is_not_stopped_and_is_seen(endpoint: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    host, port = at(endpoint)
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    opened: list[int] = []

    def work() -> None:
        number = library.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        assert library.connect(number, address, len(address)) == 0
        opened.append(number)

    try:
        for gone in ([endpoint], []):
            error = caught(work, *gone)
            assert [(each.what, each.endpoint, each.stack) for each in error.violations] == [
                ("connect (C code, seen in the kernel's tables)", endpoint, ())
            ]
        with Blackout(allow=[endpoint]):
            work()
    finally:
        for number in opened:
            socket.socket(fileno=number).close()


# -- its own manners


@pytest.mark.parametrize("wrong", ["", "http://config", "config:https", "[::1]x", ":443"])
def test_what_is_no_endpoint_is_a_mistake(wrong: str) -> None:
    with pytest.raises(UsageError, match="no endpoint"):
        Blackout("good", wrong)


@pytest.mark.parametrize("gone", ["::1", "[::1]:443", "::0:1"])
def test_addresses_are_the_same_however_they_are_written(gone: str) -> None:
    def work() -> None:
        with socket.socket(socket.AF_INET6) as one, contextlib.suppress(OSError):
            one.connect(("0:0::1", 443))

    assert caught(work, gone).violations[0].endpoint == "[::1]:443"


def test_a_name_that_is_gone_is_gone_by_its_address_too(endpoint: str) -> None:
    port = at(endpoint)[1]
    for way in (by_create_connection, by_no_address):
        assert caught(lambda way=way: way(f"http://{endpoint}"), f"localhost:{port}").violations[0].endpoint == endpoint  # type: ignore[misc]


def test_a_blackout_that_is_used_again_tells_of_its_last_time_alone(url: str, endpoint: str) -> None:
    blackout = Blackout(endpoint)
    with pytest.raises(BlackoutError), blackout, contextlib.suppress(OSError):
        urlopen(url)
    with blackout:
        pass
    assert blackout.violations == []


def test_one_blackout_at_a_time_and_either_what_is_gone_or_what_is_left() -> None:
    with Blackout("x.internal"), pytest.raises(UsageError, match="already"), Blackout("y.internal"):
        pass
    with pytest.raises(UsageError, match="both"):
        Blackout("x", allow=["y"])
    with pytest.raises(UsageError), Blackout("x.internal"), Blackout():
        pass
    with Blackout("x.internal"):
        pass


def test_tasks_may_be_in_the_background(url: str, endpoint: str) -> None:
    async def go() -> None:
        with Blackout(endpoint, background_threads=()) as blackout:
            with background():
                task = asyncio.create_task(asyncio.to_thread(ask, url))
            with pytest.raises(OSError, match="blackout"):
                await task
        assert [violation.endpoint for violation in blackout.tolerated] == [endpoint]

    asyncio.run(go())


def test_after_it_everything_is_as_before(url: str, endpoint: str) -> None:
    caught(lambda: in_a_thread(url), endpoint)
    assert ask(url) == "fresh"
    clock = FakeClock()
    assert clock.run(asyncio.to_thread(ask, url)) == "fresh"


def test_a_process_that_never_asks_for_one_has_no_hook() -> None:
    program = "import sys; sys.addaudithook(lambda event, _: event == 'sys.addaudithook' and print(event)); import truetier_runtime.testing"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout == ""
