"""Load shedding in front of an application: the protocol played by hand, through httpx, and by a real server."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections import Counter
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from runtime.tests.recording import Recording
from truetier_runtime.adapters.asgi import LoadShedding
from truetier_runtime.deadline import remaining
from truetier_runtime.errors import OverloadedError
from truetier_runtime.limiter import Limiter, Queue
from truetier_runtime.limits import Aimd, Fixed, FixedState
from truetier_runtime.shed import Priority, Refusals
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn")

NO_QUEUE = Queue(longest=0.0, longest_standing=0.0)


def limited(algorithm: Recording, *, queue: Queue = NO_QUEUE) -> Limiter[FixedState]:
    return Limiter(algorithm, queue=queue, clock=FakeClock(100.0))


def shedding(application: Any, limiter: Limiter[Any]) -> LoadShedding:  # noqa: ANN401 - any callable of the protocol
    return LoadShedding(application, limiter, refusals=Refusals(clock=limiter.clock, chance=random.Random(1).random))


async def answer(status: int, send: Send, body: bytes = b"done") -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def well(_scope: Message, _receive: Receive, send: Send) -> None:
    await answer(200, send)


def request(**headers: str) -> Message:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/", "headers": pairs}


async def played(application: Any, scope: Message, *messages: Message) -> list[Message]:  # noqa: ANN401 - any callable of the protocol
    """What an application sends to one connection that receives these messages."""
    incoming, sent = list(messages), []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


@asynccontextmanager
async def client_of(application: LoadShedding) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
        yield client


def test_what_is_let_in_is_answered_by_the_application_and_learned_from() -> None:
    async def scenario() -> None:
        async with client_of(shedding(well, limiter)) as client:
            response = await client.get("/")
        assert (response.status_code, response.text) == (200, "done")

    limiter = limited(algorithm := Recording(1))
    asyncio.run(scenario())
    assert [sample.is_dropped for sample in algorithm.samples] == [False]
    assert limiter.in_flight == 0


def test_what_is_refused_gets_a_503_with_whole_seconds_to_stay_away_and_its_body_is_not_read() -> None:
    async def scenario() -> None:
        # It would fail were anything received: there is nothing.
        head, body = await played(shedding(never, limiter), request())
        headers = dict(head["headers"])
        assert head["status"] == 503
        assert headers[b"content-length"] == str(len(body["body"])).encode()
        assert 1 <= int(headers[b"retry-after"]) <= 30

    async def never(*_: object) -> None:
        pytest.fail("the application was called")

    limiter = limited(Recording(1))
    limiter.acquire()
    asyncio.run(scenario())
    assert limiter.in_flight == 1


def test_the_times_to_stay_away_differ() -> None:
    async def scenario() -> None:
        application = shedding(well, limiter)
        heads = [(await played(application, request()))[0] for _ in range(50)]
        assert len({dict(head["headers"])[b"retry-after"] for head in heads}) > 5

    limiter = limited(Recording(1))
    limiter.acquire()
    asyncio.run(scenario())


def test_the_header_names_the_class_and_sheddable_requests_go_first() -> None:
    async def scenario() -> None:
        application = shedding(well, limiter)
        statuses = {}
        for name in ("sheddable", "default", "critical", "recovery", "nonsense"):
            statuses[name] = (await played(application, request(x_truetier_priority=name)))[0]["status"]
        assert statuses == {"sheddable": 503, "default": 503, "critical": 200, "recovery": 200, "nonsense": 503}

    limiter = limited(Recording(10))
    for _ in range(8):
        limiter.acquire(Priority.CRITICAL)
    asyncio.run(scenario())


def test_a_callable_may_name_the_class() -> None:
    async def scenario() -> None:
        application = LoadShedding(well, limiter, priority_of=by_path)
        assert (await played(application, {**request(), "path": "/health"}))[0]["status"] == 200
        assert (await played(application, request()))[0]["status"] == 503

    def by_path(scope: Message) -> Priority:
        return Priority.RECOVERY if scope["path"] == "/health" else Priority.SHEDDABLE

    limiter = limited(Recording(10))
    for _ in range(9):
        limiter.acquire(Priority.CRITICAL)
    asyncio.run(scenario())


@pytest.mark.parametrize(("text", "status"), [("0", 503), ("1", 200), ("-1", 200), ("inf", 200), ("", 200), ("9" * 400, 200)])
def test_a_request_whose_time_is_over_is_refused_at_the_door_without_a_time_to_stay_away(text: str, status: int) -> None:
    head = asyncio.run(played(shedding(well, limited(Recording(1))), request(x_request_timeout_ms=text)))[0]
    assert head["status"] == status
    assert b"retry-after" not in dict(head["headers"])


@pytest.mark.parametrize("text", ["2000", None])
def test_what_the_application_calls_in_turn_has_no_longer_than_who_asks(text: str | None) -> None:
    seen: list[float | None] = []

    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        seen.append(remaining())
        await answer(200, send)

    asked = request() if text is None else request(x_request_timeout_ms=text)
    asyncio.run(played(shedding(application, limited(Recording(1))), asked))
    assert seen == [None] if text is None else (seen[0] is not None and 1 < seen[0] <= 2)


@pytest.mark.parametrize(("status", "expected"), [(200, [False]), (404, [False]), (500, []), (429, []), (503, [True]), (504, [True])])
def test_the_status_says_what_the_answer_says_of_load(status: int, expected: list[bool]) -> None:
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await answer(status, send)

    limiter = limited(algorithm := Recording(1))
    asyncio.run(played(shedding(application, limiter), request()))
    assert [sample.is_dropped for sample in algorithm.samples] == expected
    assert limiter.in_flight == 0


@pytest.mark.parametrize(("error", "expected"), [(KeyError, []), (TimeoutError, [True]), (OverloadedError, [True])])
def test_an_exception_passes_through_and_gives_the_place_back(error: type[Exception], expected: list[bool]) -> None:
    async def application(*_: object) -> None:
        raise error("inside")

    async def scenario() -> None:
        async with client_of(shedding(application, limiter)) as client:
            with pytest.raises(error, match="inside"):
                await client.get("/")

    limiter = limited(algorithm := Recording(1))
    asyncio.run(scenario())
    assert [sample.is_dropped for sample in algorithm.samples] == expected
    assert limiter.in_flight == 0


def test_cancellation_gives_the_place_back_and_says_nothing_of_load() -> None:
    async def hanging(*_: object) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.create_task(played(shedding(hanging, limiter), request()))
        await asyncio.sleep(0)
        assert limiter.in_flight == 1
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    limiter = limited(algorithm := Recording(1))
    asyncio.run(scenario())
    assert (limiter.in_flight, algorithm.samples) == (0, [])


def test_cancellation_in_the_queue_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        task = asyncio.create_task(played(shedding(well, limiter), request()))
        await asyncio.sleep(0)
        assert limiter.waiting == 1
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert (limiter.waiting, limiter.in_flight) == (0, 1)

    limiter = limited(Recording(1), queue=Queue(longest=60.0, longest_standing=60.0))
    limiter.acquire()
    asyncio.run(scenario())


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_client_that_leaves_before_the_answer_says_nothing_of_load(*, is_answered: bool) -> None:
    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"
        if is_answered:
            await answer(200, send)

    limiter = limited(algorithm := Recording(1))
    asyncio.run(played(shedding(application, limiter), request(), {"type": "http.disconnect"}))
    assert (limiter.in_flight, algorithm.samples) == (0, [])


def test_a_stream_holds_its_place_to_its_end_but_only_the_time_to_its_head_is_learned() -> None:
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        clock.advance(0.25)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3):
            clock.advance(10.0)
            assert limiter.in_flight == 1
            await send({"type": "http.response.body", "body": str(number).encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    algorithm, clock = Recording(1), FakeClock()
    limiter = Limiter(algorithm, queue=NO_QUEUE, clock=clock)
    sent = asyncio.run(played(shedding(application, limiter), request()))
    assert b"".join(message.get("body", b"") for message in sent) == b"012"
    assert [sample.seconds for sample in algorithm.samples] == [0.25]
    assert limiter.in_flight == 0


def test_what_is_no_request_passes_through_untouched() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        assert scope == {"type": "lifespan"}
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})

    limiter = limited(algorithm := Recording(1))
    limiter.acquire()
    sent = asyncio.run(played(shedding(application, limiter), {"type": "lifespan"}, {"type": "lifespan.startup"}))
    assert sent == [{"type": "lifespan.startup.complete"}]
    assert algorithm.samples == []


@pytest.mark.parametrize("reply", ["websocket.accept", "websocket.close", "websocket.http.response.start"])
def test_a_websocket_holds_its_place_until_its_handshake_is_answered(reply: str) -> None:
    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        assert limiter.in_flight == 1
        await send({"type": reply})
        assert limiter.in_flight == 0

    limiter = limited(algorithm := Recording(1))
    scope = {**request(), "type": "websocket"}
    assert asyncio.run(played(shedding(application, limiter), scope, {"type": "websocket.connect"})) == [{"type": reply}]
    assert (limiter.in_flight, algorithm.samples) == (0, [])


def test_a_websocket_whose_client_leaves_in_the_handshake_holds_no_place() -> None:
    async def application(_scope: Message, receive: Receive, _send: Send) -> None:
        await receive()
        assert limiter.in_flight == 0

    limiter = limited(Recording(1))
    asyncio.run(played(shedding(application, limiter), {**request(), "type": "websocket"}, {"type": "websocket.disconnect"}))


@pytest.mark.parametrize("can_answer", [True, False])
def test_a_handshake_is_refused_with_a_503_where_the_server_can_send_one_and_closed_otherwise(*, can_answer: bool) -> None:
    limiter = limited(Recording(1))
    limiter.acquire()
    scope = {**request(), "type": "websocket", "extensions": {"websocket.http.response": {}} if can_answer else None}
    sent = asyncio.run(played(shedding(well, limiter), scope, {"type": "websocket.connect"}))
    if can_answer:
        assert (sent[0]["status"], sent[1]["type"]) == (503, "websocket.http.response.body")
        assert b"retry-after" in dict(sent[0]["headers"])
    else:
        assert sent == [{"type": "websocket.close", "code": 1013}]


@contextmanager
def served(application: Any) -> Iterator[str]:  # noqa: ANN401 - any callable of the protocol
    """The address of a real server on loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_level="critical", ws="none", lifespan="off", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_a_real_server_serves_what_matters_while_sheddable_work_is_refused_unread() -> None:
    release = threading.Event()

    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        while not release.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.005)
        await answer(200, send)

    async def scenario(address: str) -> Counter[tuple[str, int]]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits, trust_env=False) as client:

            async def ask(name: str) -> tuple[str, int]:
                response = await client.post("/", content=b"x" * 200_000, headers={"x-truetier-priority": name})
                return name, response.status_code

            sheddable = [asyncio.create_task(ask("sheddable")) for _ in range(20)]
            # All but six are refused while nothing can be answered: refusals wait for nobody.
            pending: set[asyncio.Task[tuple[str, int]]] = set(sheddable)
            while len(pending) > 6:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            critical = [asyncio.create_task(ask("critical")) for _ in range(4)]
            while limiter.in_flight < 10:  # noqa: ASYNC110 - counted in another thread
                await asyncio.sleep(0.005)
            release.set()
            return Counter(await asyncio.gather(*sheddable, *critical))

    limiter = Limiter(Fixed(10), queue=NO_QUEUE)
    with served(LoadShedding(application, limiter)) as address:
        answers = asyncio.run(scenario(address))
    assert answers == {("sheddable", 503): 14, ("sheddable", 200): 6, ("critical", 200): 4}
    assert limiter.in_flight == 0


def test_a_real_client_that_hangs_up_gives_its_place_back() -> None:
    began = threading.Event()

    async def application(_scope: Message, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            began.set()

    limiter = Limiter(algorithm := Recording(1), queue=NO_QUEUE)
    with served(LoadShedding(application, limiter)) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            assert began.wait(30)
            assert limiter.in_flight == 1
    # The server has ended, and with it whatever was under way.
    assert (limiter.in_flight, algorithm.samples) == (0, [])


def test_one_user_who_asks_too_much_lowers_the_limit_of_nobody() -> None:
    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        await answer(429 if scope["path"] == "/greedy" else 200, send)

    limiter = Limiter(Aimd(initial=20), clock=FakeClock(100.0))
    for _ in range(50):
        asyncio.run(played(shedding(application, limiter), {**request(), "path": "/greedy"}))
        limiter.clock.advance(1.0)  # type: ignore[attr-defined] # the fake one
    assert limiter.limit == 20


def test_a_websocket_is_not_held_to_the_deadline_of_its_handshake() -> None:
    seen: list[float | None] = []

    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        seen.append(remaining())

    scope = {**request(x_request_timeout_ms="2000"), "type": "websocket"}
    asyncio.run(played(shedding(application, limited(Recording(1))), scope, {"type": "websocket.connect"}))
    assert seen == [None]
