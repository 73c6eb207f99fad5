"""Interceptors for gRPC between real servers and channels on loopback, in threads and in asyncio. Messages are bytes."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from runtime.tests.recording import Recording
from truetier_runtime import Guard
from truetier_runtime.adapters.asgi import LoadShedding as HttpLoadShedding
from truetier_runtime.deadline import Deadline, remaining
from truetier_runtime.errors import DeadlineExceededError, OverloadedError, ThrottledError
from truetier_runtime.limiter import Limiter, Queue
from truetier_runtime.limits import Fixed, FixedState
from truetier_runtime.shed import Priority, Refusals
from truetier_runtime.testing import FakeClock
from truetier_runtime.throttle import Throttle

grpc: Any = pytest.importorskip("grpc")
aio: Any = grpc.aio

from grpc import StatusCode  # noqa: E402 - needs grpc

from truetier_runtime.adapters.grpc import (  # noqa: E402 - needs grpc
    AsyncLoadShedding,
    LoadShedding,
    ThrottlingInterceptor,
    async_throttling_interceptors,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from truetier_runtime.limiter import Permit

    Work = Callable[[bytes], bytes]

NO_QUEUE = Queue(longest=0.0, longest_standing=0.0)
PUSHBACK = "grpc-retry-pushback-ms"
PRIORITY = "x-truetier-priority"
AGES = 30.0  # seconds that a test waits for what should come at once

THREADS, ASYNC, MIXED = "threads", "asyncio", "threads in asyncio"
everywhere = pytest.mark.parametrize("kind", [THREADS, ASYNC, MIXED])
where_codes_are_known = pytest.mark.parametrize("kind", [THREADS, ASYNC])


def until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does."""
    end = time.monotonic() + AGES
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


class Methods(grpc.GenericRpcHandler):  # type: ignore[misc] # found at run time
    """Handlers by the last part of a method's name."""

    def __init__(self, handlers: dict[str, Any]) -> None:
        self._handlers = handlers

    def service(self, details: Any) -> Any:  # noqa: ANN401 - grpc's own
        return self._handlers.get(details.method.rpartition("/")[2])


@contextmanager
def in_threads(handlers: dict[str, Any], *interceptors: Any) -> Iterator[str]:  # noqa: ANN401 - grpc's own
    with ThreadPoolExecutor(40) as pool:
        server = grpc.server(pool, handlers=[Methods(handlers)], interceptors=interceptors)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


@contextmanager
def in_asyncio(handlers: dict[str, Any], *interceptors: Any) -> Iterator[str]:  # noqa: ANN401 - grpc's own
    ports: list[int] = []
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        pool = ThreadPoolExecutor(40)
        server = aio.server(pool, handlers=[Methods(handlers)], interceptors=interceptors)
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        started.set()
        await stop.wait()
        await server.stop(None)
        await asyncio.to_thread(pool.shutdown)  # its threads end by a word to this loop

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(AGES)
    try:
        yield f"127.0.0.1:{ports[0]}"
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


def handlers_of(kind: str, unary: Any, stream: Any) -> dict[str, Any]:  # noqa: ANN401 - grpc's own
    """Every kind of handler, of a function from a request to a response and one to an iterator."""
    return async_handlers(unary, stream) if kind == ASYNC else handlers_of_threads(unary, stream)


def handlers_of_threads(unary: Any, stream: Any) -> dict[str, Any]:  # noqa: ANN401 - grpc's own
    def collected(requests: Iterator[bytes], context: Any) -> bytes:  # noqa: ANN401
        return unary(b"".join(requests), context)  # type: ignore[no-any-return]

    def echoed(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:  # noqa: ANN401
        for request in requests:
            yield from stream(request, context)

    return made(unary, stream, collected, echoed)


def async_handlers(unary: Any, stream: Any) -> dict[str, Any]:  # noqa: ANN401 - grpc's own
    async def unary_async(request: bytes, context: Any) -> bytes:  # noqa: ANN401
        return await asyncio.to_thread(unary, request, context)

    async def stream_async(request: bytes, context: Any) -> AsyncIterator[bytes]:  # noqa: ANN401
        responses = stream(request, context)
        try:
            while (response := await asyncio.to_thread(next, responses, None)) is not None:
                yield response
        finally:
            responses.close()

    async def collected(requests: AsyncIterator[bytes], context: Any) -> bytes:  # noqa: ANN401
        return await unary_async(b"".join([request async for request in requests]), context)

    async def echoed(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:  # noqa: ANN401
        async for request in requests:
            async for response in stream_async(request, context):
                yield response

    return made(unary_async, stream_async, collected, echoed)


def made(unary: Any, stream: Any, collected: Any, echoed: Any) -> dict[str, Any]:  # noqa: ANN401 - grpc's own
    return {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
        "Collect": grpc.stream_unary_rpc_method_handler(collected),
        "Echo": grpc.stream_stream_rpc_method_handler(echoed),
    }


def well(request: bytes, _context: Any = None) -> bytes:  # noqa: ANN401
    return b"done " + request


def thrice(request: bytes, _context: Any = None) -> Iterator[bytes]:  # noqa: ANN401
    for number in range(3):
        yield request + str(number).encode()


@contextmanager
def shedding(
    kind: str,
    limiter: Limiter[Any],
    unary: Any = well,  # noqa: ANN401 - a handler of threads
    stream: Any = thrice,  # noqa: ANN401 - as above
    **settings: Any,  # noqa: ANN401 - of the interceptor
) -> Iterator[Any]:
    """A channel to a server that sheds load."""
    settings.setdefault("refusals", Refusals(clock=limiter.clock, chance=random.Random(1).random))
    serve, interceptor = (in_threads, LoadShedding) if kind == THREADS else (in_asyncio, AsyncLoadShedding)
    with serve(handlers_of(kind, unary, stream), interceptor(limiter, **settings)) as address, grpc.insecure_channel(address) as channel:
        yield channel


def named(name: str) -> tuple[tuple[str, str], ...]:
    return ((PRIORITY, name),)


def code_of(channel: Any, name: str = "", **arguments: Any) -> StatusCode:  # noqa: ANN401 - grpc's own
    try:
        channel.unary_unary("/test/Unary")(b"x", metadata=named(name) if name else None, **arguments)
    except grpc.RpcError as error:
        return error.code()  # type: ignore[no-any-return]
    return StatusCode.OK


def pushback_of(error: Any) -> int:  # noqa: ANN401 - grpc's own
    return int(dict(error.trailing_metadata())[PUSHBACK])


def limited(limit: int, **arguments: Any) -> tuple[Recording, Limiter[FixedState]]:  # noqa: ANN401 - of a limiter
    algorithm = Recording(limit)
    return algorithm, Limiter(algorithm, **{"queue": NO_QUEUE, **arguments})


# -- the server


@everywhere
def test_what_is_let_in_is_answered_by_the_handler_and_learned_from(kind: str) -> None:
    algorithm, limiter = limited(1)
    with shedding(kind, limiter) as channel:
        assert channel.unary_unary("/test/Unary")(b"it") == b"done it"
        until(lambda: limiter.in_flight == 0)
    assert algorithm.drops == [False]


@everywhere
def test_what_is_refused_is_unavailable_with_a_drawn_time_to_stay_away_and_no_handler_is_called(kind: str) -> None:
    def never(*_: object) -> bytes:
        pytest.fail("the handler was called")

    _, limiter = limited(1)
    limiter.acquire()
    pushbacks = set()
    with shedding(kind, limiter, never) as channel:
        for _ in range(50):
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary("/test/Unary")(b"")
            assert refused.value.code() is StatusCode.UNAVAILABLE
            assert "no room for default work" in refused.value.details()
            pushbacks.add(pushback_of(refused.value))
    assert len(pushbacks) > 20
    assert 1_000 <= min(pushbacks) <= max(pushbacks) <= 31_000
    assert limiter.in_flight == 1


@everywhere
@pytest.mark.parametrize("method", ["Stream", "Collect", "Echo"])
def test_a_stream_is_refused_like_any_other_call(kind: str, method: str) -> None:
    _, limiter = limited(1)
    limiter.acquire()
    with shedding(kind, limiter) as channel, pytest.raises(grpc.RpcError) as refused:
        answer(channel, method)
    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert pushback_of(refused.value) >= 1_000


def answer(channel: Any, method: str) -> list[bytes]:  # noqa: ANN401 - grpc's own
    """All responses of a call."""
    match method:
        case "Unary":
            return [channel.unary_unary("/test/Unary")(b"a")]
        case "Collect":
            return [channel.stream_unary("/test/Collect")(iter([b"a", b"b"]))]
        case "Stream":
            return list(channel.unary_stream("/test/Stream")(b"a"))
        case _:
            return list(channel.stream_stream("/test/Echo")(iter([b"a", b"b"])))


@everywhere
def test_the_metadata_name_the_class_and_sheddable_calls_go_first(kind: str) -> None:
    _, limiter = limited(10)
    for _ in range(8):
        limiter.acquire(Priority.CRITICAL)
    with shedding(kind, limiter) as channel:
        codes = {}
        for name in ("sheddable", "default", "critical", "recovery", "nonsense", ""):
            codes[name] = code_of(channel, name)
            until(lambda: limiter.in_flight == 8)
    refused, served = StatusCode.UNAVAILABLE, StatusCode.OK
    assert codes == {"sheddable": refused, "default": refused, "critical": served, "recovery": served, "nonsense": refused, "": refused}


@everywhere
def test_what_has_no_class_is_not_counted_at_all(kind: str) -> None:
    def priority_of(details: Any) -> Priority | None:  # noqa: ANN401 - grpc's own
        return None if details.method == "/test/Stream" else Priority.DEFAULT

    algorithm, limiter = limited(1)
    limiter.acquire()
    with shedding(kind, limiter, priority_of=priority_of) as channel:
        assert answer(channel, "Stream") == [b"a0", b"a1", b"a2"]
        assert code_of(channel) is StatusCode.UNAVAILABLE
    assert (limiter.in_flight, algorithm.samples) == (1, [])


@everywhere
def test_a_method_that_is_not_there_is_nobodys_load(kind: str) -> None:
    _, limiter = limited(1)
    with shedding(kind, limiter) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/test/Nothing")(b"")
    assert refused.value.code() is StatusCode.UNIMPLEMENTED
    assert limiter.in_flight == 0


@everywhere
def test_what_matters_is_served_while_sheddable_work_is_refused(kind: str) -> None:
    gate = threading.Event()

    def held(request: bytes, _context: object) -> bytes:
        assert gate.wait(AGES)
        return request

    _, limiter = limited(10)
    with shedding(kind, limiter, held) as channel:
        ask = channel.unary_unary("/test/Unary")
        sheddable = [ask.future(b"", metadata=named("sheddable")) for _ in range(20)]
        # All but six are refused while nothing can be answered: refusals wait for nobody.
        until(lambda: sum(call.done() for call in sheddable) == 14)
        critical = [ask.future(b"", metadata=named("critical")) for _ in range(4)]
        until(lambda: limiter.in_flight == 10)
        gate.set()
        codes = Counter((name, call.code()) for name, calls in (("s", sheddable), ("c", critical)) for call in calls)
        until(lambda: limiter.in_flight == 0)
    assert codes == {("s", StatusCode.UNAVAILABLE): 14, ("s", StatusCode.OK): 6, ("c", StatusCode.OK): 4}


@everywhere
@pytest.mark.parametrize("method", ["Unary", "Stream", "Collect", "Echo"])
@pytest.mark.parametrize("timeout", [20.0, None])
def test_the_time_that_the_caller_leaves_is_the_deadline_of_the_handler(kind: str, method: str, timeout: float | None) -> None:
    seen: list[float | None] = []

    def unary(request: bytes, _context: object) -> bytes:
        seen.append(remaining())
        return request

    def stream(request: bytes, _context: object) -> Iterator[bytes]:
        yield request
        seen.append(remaining())

    throttle = Throttle()
    _, limiter = limited(1)
    with shedding(kind, limiter, unary, stream) as plain:
        channel = grpc.intercept_channel(plain, ThrottlingInterceptor("test", throttle=throttle))
        if timeout is None:
            answer(channel, method)
        else:
            with Deadline(timeout):
                answer(channel, method)
    assert seen
    for left in seen:
        assert left is None if timeout is None else (left is not None and 10.0 < left <= 20.1)


@everywhere
def test_a_handlers_thread_keeps_no_deadline(kind: str) -> None:
    seen: list[float | None] = []

    def unary(request: bytes, _context: object) -> bytes:
        seen.append(remaining())
        return request

    _, limiter = limited(1, queue=Queue(longest=AGES, longest_standing=AGES))
    with shedding(kind, limiter, unary) as channel:
        for number in range(20):
            code_of(channel, timeout=None if number % 2 else AGES)
    assert [left is None for left in seen] == [False, True] * 10


@everywhere
def test_a_call_whose_time_ends_in_the_queue_leaves_nothing_behind(kind: str) -> None:
    facts: list[str] = []
    longest = 2 * AGES  # than anybody waits here
    _, limiter = limited(1, queue=Queue(longest=longest, longest_standing=longest), hooks=(lambda fact: facts.append(fact.kind),))
    held = limiter.acquire()
    with shedding(kind, limiter) as channel:
        assert code_of(channel, timeout=0.2) is StatusCode.DEADLINE_EXCEEDED
        until(lambda: limiter.waiting == 0)
        assert limiter.in_flight == 1
        held.release()
        assert code_of(channel) is StatusCode.OK


@where_codes_are_known
@pytest.mark.parametrize("is_raised", [True, False])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (StatusCode.NOT_FOUND, [False]),
        (StatusCode.INVALID_ARGUMENT, [False]),
        (StatusCode.FAILED_PRECONDITION, [False]),
        (StatusCode.INTERNAL, []),
        (StatusCode.UNIMPLEMENTED, []),
        (StatusCode.CANCELLED, []),
        (StatusCode.UNAVAILABLE, [True]),
        (StatusCode.RESOURCE_EXHAUSTED, [True]),
        (StatusCode.DEADLINE_EXCEEDED, [True]),
    ],
)
def test_the_code_says_what_the_answer_says_of_load(kind: str, code: StatusCode, expected: list[bool], *, is_raised: bool) -> None:
    def unary(_request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        if is_raised:
            context.abort(code, "so it is")
        context.set_code(code)
        return b""

    async def unary_async(_request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        if is_raised:
            await context.abort(code, "so it is")
        context.set_code(code)
        return b""

    algorithm, limiter = limited(1)
    serve, interceptor, unary_ = (in_threads, LoadShedding, unary) if kind == THREADS else (in_asyncio, AsyncLoadShedding, unary_async)
    handlers = {"Unary": grpc.unary_unary_rpc_method_handler(unary_)}
    with serve(handlers, interceptor(limiter)) as address, grpc.insecure_channel(address) as channel:
        assert code_of(channel) is code
        until(lambda: limiter.in_flight == 0)
    assert algorithm.drops == expected


class Behind(grpc.RpcError):  # type: ignore[misc] # found at run time
    """What a call that the handler made raised."""

    def code(self) -> StatusCode:
        return StatusCode.UNAVAILABLE


@everywhere
@pytest.mark.parametrize("method", ["Unary", "Stream"])
@pytest.mark.parametrize(
    ("error", "expected"), [(KeyError, []), (TimeoutError, [True]), (OverloadedError, [True]), (Behind, [True]), (grpc.RpcError, [])]
)
def test_an_exception_of_the_handler_passes_and_gives_the_place_back(
    kind: str, method: str, error: type[Exception], expected: list[bool]
) -> None:
    def unary(_request: bytes, _context: object) -> bytes:
        raise error("inside")

    def stream(request: bytes, _context: object) -> Iterator[bytes]:
        yield request
        raise error("inside")

    algorithm, limiter = limited(1)
    with shedding(kind, limiter, unary, stream) as channel:
        with pytest.raises(grpc.RpcError) as failed:
            answer(channel, method)
        assert failed.value.code() is StatusCode.UNKNOWN
        until(lambda: limiter.in_flight == 0)
    assert algorithm.drops == expected


@everywhere
def test_a_call_that_is_cancelled_says_nothing_of_load(kind: str) -> None:
    began, gone, gate = threading.Event(), threading.Event(), threading.Event()

    def held(request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        if kind == THREADS:
            context.add_callback(gone.set)
        began.set()
        assert gate.wait(AGES)
        return request

    algorithm, limiter = limited(1)
    with shedding(kind, limiter, held) as channel:
        call = channel.unary_unary("/test/Unary").future(b"")
        assert began.wait(AGES)
        assert limiter.in_flight == 1
        call.cancel()
        if kind == THREADS:
            assert gone.wait(AGES)
            assert limiter.in_flight == 1, "a thread that works on holds its place, whoever went away"
        elif kind == ASYNC:
            until(lambda: limiter.in_flight == 0)
        gate.set()
        until(lambda: limiter.in_flight == 0)
    # Threads in a server of asyncio are not told.
    assert algorithm.drops == ([] if kind != MIXED else [False])


@where_codes_are_known
def test_a_call_whose_time_ends_while_the_handler_works_is_a_drop(kind: str) -> None:
    gate, gone = threading.Event(), threading.Event()

    def held(request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        if kind == THREADS:
            context.add_callback(gone.set)
        assert gate.wait(AGES)
        return request

    algorithm, limiter = limited(1)
    with shedding(kind, limiter, held) as channel:
        assert code_of(channel, timeout=0.3) is StatusCode.DEADLINE_EXCEEDED
        if kind == THREADS:
            assert gone.wait(AGES)
        else:
            until(lambda: limiter.in_flight == 0)
        gate.set()
        until(lambda: limiter.in_flight == 0)
    assert algorithm.drops == [True]


@everywhere
def test_a_stream_holds_its_place_to_its_end_but_only_the_time_to_its_first_message_is_learned(kind: str) -> None:
    def stream(_request: bytes, _context: object) -> Iterator[bytes]:
        clock.advance(0.25)
        for number in range(3):
            yield str(number).encode()
            assert limiter.in_flight == 1
            clock.advance(10.0)

    clock = FakeClock()
    algorithm, limiter = limited(1, clock=clock)
    with shedding(kind, limiter, stream=stream) as channel:
        assert answer(channel, "Stream") == [b"0", b"1", b"2"]
        until(lambda: limiter.in_flight == 0)
    assert [sample.seconds for sample in algorithm.samples] == [0.25]


@everywhere
@pytest.mark.parametrize(("method", "responses"), [("Collect", [b"done ab"]), ("Echo", [b"a0", b"a1", b"a2", b"b0", b"b1", b"b2"])])
def test_where_requests_stream_the_place_is_held_and_no_time_is_learned(kind: str, method: str, responses: list[bytes]) -> None:
    algorithm, limiter = limited(1)
    with shedding(kind, limiter) as channel:
        assert answer(channel, method) == responses
        until(lambda: limiter.in_flight == 0)
    assert algorithm.samples == []


@where_codes_are_known
def test_who_leaves_a_stream_gives_the_place_back_and_the_handler_ends(kind: str) -> None:
    ended = threading.Event()

    def stream(request: bytes, _context: object) -> Iterator[bytes]:
        try:
            while True:
                yield request
        finally:
            ended.set()

    algorithm, limiter = limited(1)
    with shedding(kind, limiter, stream=stream) as channel:
        call = channel.unary_stream("/test/Stream")(b"x" * 10_000)
        next(call)
        assert limiter.in_flight == 1
        call.cancel()
        assert ended.wait(AGES)
        until(lambda: limiter.in_flight == 0)
    assert algorithm.samples == []


def test_who_leaves_a_stream_of_threads_in_asyncio_gives_the_place_back_though_the_handler_goes_on() -> None:
    gate = threading.Event()

    def stream(request: bytes, _context: object) -> Iterator[bytes]:
        yield request
        assert gate.wait(2 * AGES)  # to yield now would keep the thread for ever: nobody takes it

    algorithm, limiter = limited(1)
    with shedding(MIXED, limiter, stream=stream) as channel:
        call = channel.unary_stream("/test/Stream")(b"x")
        next(call)
        assert limiter.in_flight == 1
        call.cancel()
        until(lambda: limiter.in_flight == 0)
        gate.set()
    assert algorithm.samples == []


def test_a_stream_that_is_written_and_not_yielded_is_counted_and_teaches_nothing() -> None:
    async def written(request: bytes, context: Any) -> None:  # noqa: ANN401 - grpc's own
        for number in range(3):
            await context.write(request + str(number).encode())
            places.append(limiter.in_flight)

    places: list[int] = []
    algorithm, limiter = limited(1)
    handlers = {"Stream": grpc.unary_stream_rpc_method_handler(written)}
    with in_asyncio(handlers, AsyncLoadShedding(limiter)) as address, grpc.insecure_channel(address) as channel:
        assert answer(channel, "Stream") == [b"a0", b"a1", b"a2"]
        until(lambda: limiter.in_flight == 0)
    assert (places, algorithm.samples) == ([1, 1, 1], [])


@everywhere
def test_nothing_is_under_way_after_any_number_of_calls_however_they_ended(kind: str) -> None:
    def unary(request: bytes, _context: object) -> bytes:
        if request == b"raise":
            raise KeyError(request)
        return request

    def one(number: int) -> StatusCode:
        match number % 4:
            case 0:
                return code_of(channel, "critical")
            case 1:
                call = channel.unary_unary("/test/Unary").future(b"raise")
            case 2:
                call = channel.unary_unary("/test/Unary").future(b"")
                call.cancel()
            case _:
                call = channel.unary_stream("/test/Stream")(b"")
                with suppress(grpc.RpcError):
                    if kind == MIXED:  # to leave it would keep a thread
                        assert list(call) == [b"0", b"1", b"2"]
                    else:
                        next(call)
                        call.cancel()
        return call.code()  # type: ignore[no-any-return]

    _, limiter = limited(4, queue=Queue(longest=0.01, longest_standing=0.002))
    with shedding(kind, limiter, unary) as channel, ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(one, range(400)))
        until(lambda: (limiter.in_flight, limiter.waiting) == (0, 0))
    assert set(codes) <= {StatusCode.OK, StatusCode.UNKNOWN, StatusCode.CANCELLED, StatusCode.UNAVAILABLE}
    assert sum(codes.values()) == 400
    assert codes[StatusCode.OK] > 0


# -- retries of gRPC itself

# Not shorter: a pause that is rounded to no milliseconds is one that grpc never comes back from.
RETRY = {"maxAttempts": 4, "initialBackoff": "0.02s", "maxBackoff": "0.02s", "backoffMultiplier": 1}


def retrying(address: str, *codes: str) -> Any:  # noqa: ANN401 - grpc's own
    policy = {**RETRY, "retryableStatusCodes": list(codes or ["UNAVAILABLE"])}
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    return grpc.insecure_channel(address, options=[("grpc.service_config", config)])


@pytest.mark.parametrize(
    ("pushback", "timeout", "attempts", "code"),
    [
        (None, AGES, 4, StatusCode.UNAVAILABLE),  # its own pauses, and all its attempts
        ("1", AGES, 4, StatusCode.UNAVAILABLE),
        ("-1", AGES, 1, StatusCode.UNAVAILABLE),
        ("-1500", AGES, 1, StatusCode.UNAVAILABLE),
        ("soon", AGES, 1, StatusCode.UNAVAILABLE),
        ("60000", 0.3, 1, StatusCode.DEADLINE_EXCEEDED),  # it waits for a retry that cannot be
        ("0", 0.3, 1, StatusCode.DEADLINE_EXCEEDED),  # nor does it come back from this
    ],
)
def test_grpc_takes_a_pushback_as_we_count_on(pushback: str | None, timeout: float, attempts: int, code: StatusCode) -> None:
    def refuse(_request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        attempted.append(1)
        if pushback is not None:
            context.set_trailing_metadata(((PUSHBACK, pushback),))
        context.abort(StatusCode.UNAVAILABLE, "")
        raise AssertionError

    attempted: list[int] = []
    with in_threads({"Unary": grpc.unary_unary_rpc_method_handler(refuse)}) as address, retrying(address) as channel:
        assert code_of(channel, timeout=timeout) is code
    assert len(attempted) == attempts


@everywhere
def test_a_refused_call_is_tried_again_by_grpc_when_we_said_and_served(kind: str) -> None:
    seen: list[dict[str, str]] = []

    def unary(request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        seen.append(dict(context.invocation_metadata()))
        return request

    # The first refusal makes room for the second attempt.
    places: list[Permit] = []
    algorithm, limiter = limited(1, hooks=(lambda _: places[0].release(),))
    places.append(limiter.acquire())
    refusals = Refusals(clock=limiter.clock, chance=lambda: 0.0, shortest=0.02)
    serve, interceptor = (in_threads, LoadShedding) if kind == THREADS else (in_asyncio, AsyncLoadShedding)
    with (
        serve(handlers_of(kind, unary, thrice), interceptor(limiter, refusals=refusals)) as address,
        retrying(address) as channel,
    ):
        assert code_of(channel, timeout=AGES) is StatusCode.OK
    assert [metadata["grpc-previous-rpc-attempts"] for metadata in seen] == ["1"]
    assert len(algorithm.samples) == 2


@everywhere
def test_a_retry_that_would_come_too_late_is_not_asked_for_and_the_caller_knows_at_once(kind: str) -> None:
    facts: list[str] = []
    _, limiter = limited(1, hooks=(lambda fact: facts.append(fact.kind),))
    limiter.acquire()
    refusals = Refusals(clock=limiter.clock, chance=lambda: 0.0, shortest=60.0, longest=60.0)
    serve, interceptor = (in_threads, LoadShedding) if kind == THREADS else (in_asyncio, AsyncLoadShedding)
    with (
        serve(handlers_of(kind, well, thrice), interceptor(limiter, refusals=refusals)) as address,
        retrying(address) as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        channel.unary_unary("/test/Unary")(b"", timeout=20.0)
    # Had it been asked to come back in a minute, it would have kept its caller for the whole time.
    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert pushback_of(refused.value) == -60_000
    assert facts == ["shed"]


# -- the client


def certain(clock: FakeClock | None = None) -> Throttle:
    """A throttle that leaves out whatever it may."""
    return Throttle(clock=clock or FakeClock(), chance=lambda: 0.0)


def counted(throttle: Throttle) -> tuple[int, int]:
    """Requests and accepts."""
    windows = [line.window for line in throttle._lines.values()]
    return sum(window.requests for window in windows), sum(window.accepts for window in windows)


class Callee:
    """A server that answers as it is told and remembers the metadata and the time of what it was sent."""

    def __init__(self) -> None:
        self.code = StatusCode.OK
        self.metadata: tuple[tuple[str, str], ...] = ()
        self.seen: list[dict[str, str]] = []
        self.left: list[float] = []
        self.began = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.address = ""

    def unary(self, request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        self.taken(context)
        return b"done " + request

    def stream(self, request: bytes, context: Any) -> Iterator[bytes]:  # noqa: ANN401 - grpc's own
        self.taken(context)
        yield request + b"0"
        self.began.set()
        assert self.gate.wait(AGES)
        yield request + b"1"

    def taken(self, context: Any) -> None:  # noqa: ANN401 - grpc's own
        self.seen.append(dict(context.invocation_metadata()))
        self.left.append(context.time_remaining())
        if self.code is not StatusCode.OK:
            context.set_trailing_metadata(self.metadata)
            context.abort(self.code, "as told")


class Held(Callee):
    """One that answers nothing before it may."""

    def taken(self, context: Any) -> None:  # noqa: ANN401 - grpc's own
        super().taken(context)
        self.began.set()
        assert self.gate.wait(AGES)


@contextmanager
def called(callee: Callee | None = None) -> Iterator[Callee]:
    callee = callee or Callee()
    with in_threads(handlers_of(THREADS, callee.unary, callee.stream)) as callee.address:
        try:
            yield callee
        finally:
            callee.gate.set()


def call_once(
    throttle: Throttle,
    address: str,
    method: str = "Unary",
    *,
    is_refused: bool = False,  # noqa: ARG001 - no difference here
    **arguments: Any,  # noqa: ANN401 - grpc's own
) -> list[bytes]:
    with grpc.insecure_channel(address) as plain:
        channel = grpc.intercept_channel(plain, ThrottlingInterceptor("callee", throttle=throttle))
        match method:
            case "Unary":
                return [channel.unary_unary("/test/Unary")(b"a", **arguments)]
            case "Future":
                return [channel.unary_unary("/test/Unary").future(b"a", **arguments).result()]
            case "Collect":
                return [channel.stream_unary("/test/Collect")(iter([b"a", b"b"]), **arguments)]
            case "Stream":
                return list(channel.unary_stream("/test/Stream")(b"a", **arguments))
            case _:
                return list(channel.stream_stream("/test/Echo")(iter([b"a", b"b"]), **arguments))


def await_once(
    throttle: Throttle,
    address: str,
    method: str = "Unary",
    *,
    is_refused: bool = False,
    **arguments: Any,  # noqa: ANN401 - grpc's own
) -> list[bytes]:
    async def requests() -> AsyncIterator[bytes]:
        yield b"a"
        if is_refused:  # to write to a call that ended is an error of its own
            await asyncio.Event().wait()
        yield b"b"

    async def scenario() -> list[bytes]:
        async with aio.insecure_channel(address, interceptors=async_throttling_interceptors("callee", throttle=throttle)) as channel:
            try:
                match method:
                    case "Unary" | "Future":
                        return [await channel.unary_unary("/test/Unary")(b"a", **arguments)]
                    case "Collect":
                        return [await channel.stream_unary("/test/Collect")(requests(), **arguments)]
                    case "Stream":
                        return [each async for each in channel.unary_stream("/test/Stream")(b"a", **arguments)]
                    case _:
                        return [each async for each in channel.stream_stream("/test/Echo")(requests(), **arguments)]
            finally:
                await asyncio.sleep(0)

    return asyncio.run(scenario())


both = pytest.mark.parametrize("call", [call_once, await_once])
each_way = pytest.mark.parametrize("method", ["Unary", "Future", "Collect", "Stream", "Echo"])
RESPONSES = {
    "Unary": [b"done a"],
    "Future": [b"done a"],
    "Collect": [b"done ab"],
    "Stream": [b"a0", b"a1"],
    "Echo": [b"a0", b"a1", b"b0", b"b1"],
}


@both
@each_way
def test_an_answer_is_given_and_counted_once(call: Callable[..., list[bytes]], method: str) -> None:
    throttle = certain()
    with called() as callee:
        assert call(throttle, callee.address, method) == RESPONSES[method]
    assert counted(throttle) == (1, 1)


@both
@each_way
def test_priority_and_the_time_that_is_left_are_sent_along_beside_what_the_caller_sends(
    call: Callable[..., list[bytes]], method: str
) -> None:
    throttle = certain()
    with called() as callee:
        with Deadline(20.0):
            call(throttle, callee.address, method, metadata=(("mine", "kept"), (PRIORITY, "critical")))
            call(throttle, callee.address, method, timeout=10.0, metadata=(("mine", "kept"),))
            call(throttle, callee.address, method, timeout=AGES)
        call(throttle, callee.address, method)
    firsts = callee.seen[:: len(callee.seen) // 4]
    assert [seen.get("mine") for seen in firsts] == ["kept", "kept", None, None]
    assert [seen[PRIORITY] for seen in firsts] == ["critical", "default", "default", "default"]
    cut, shorter, longer, none = callee.left[:: len(callee.left) // 4]
    assert 10.0 < cut <= 20.1
    assert 5.0 < shorter <= 10.1
    assert 10.0 < longer <= 20.1
    assert none > 1e9
    assert set(throttle._lines) == {("callee", Priority.CRITICAL), ("callee", Priority.DEFAULT)}


@both
@each_way
def test_no_time_left_is_no_call(call: Callable[..., list[bytes]], method: str) -> None:
    throttle = certain()
    with called() as callee, Deadline(0.0), pytest.raises(DeadlineExceededError):
        call(throttle, callee.address, method)
    assert (callee.seen, counted(throttle)) == ([], (0, 0))


@both
@each_way
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_callee_that_refuses_is_left_alone_for_as_long_as_it_asked_and_other_classes_are_not(
    call: Callable[..., list[bytes]], method: str, sign: str
) -> None:
    clock = FakeClock()
    throttle = certain(clock)
    with called() as callee:
        callee.code, callee.metadata = StatusCode.UNAVAILABLE, ((PUSHBACK, f"{sign}7000"),)
        with pytest.raises(grpc.RpcError):
            call(throttle, callee.address, method, is_refused=method == "Echo")
        with pytest.raises(ThrottledError) as refused:
            call(throttle, callee.address, method)
        assert refused.value.retry_after == 7.0
        assert len(callee.seen) == 1
        callee.code = StatusCode.OK
        assert call(throttle, callee.address, method, metadata=named("critical")) == RESPONSES[method]
        clock.advance(200.0)
        assert call(throttle, callee.address, method) == RESPONSES[method]


@both
@each_way
@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
def test_overload_and_lateness_are_refusals_cancellation_is_nothing_and_all_else_an_answer(
    call: Callable[..., list[bytes]], method: str, code: StatusCode
) -> None:
    if method == "Future" and call is await_once:
        return
    throttle = certain()
    with called() as callee:
        callee.code = code
        with pytest.raises(grpc.RpcError) as failed:
            call(throttle, callee.address, method, is_refused=method == "Echo")
        assert failed.value.code() is code
    match code:
        case StatusCode.CANCELLED:
            assert counted(throttle) == (0, 0)
        case StatusCode.UNAVAILABLE | StatusCode.RESOURCE_EXHAUSTED | StatusCode.DEADLINE_EXCEEDED:
            assert counted(throttle) == (1, 0)
        case _:
            assert counted(throttle) == (1, 1)


@both
def test_a_callee_that_is_not_there_counts_as_one_that_refuses(call: Callable[..., list[bytes]]) -> None:
    throttle = certain()
    with called() as callee:
        pass
    with pytest.raises(grpc.RpcError):
        call(throttle, callee.address)
    with pytest.raises(ThrottledError):
        call(throttle, callee.address)


@both
@each_way
def test_a_callee_that_does_not_answer_in_time_counts_as_one_that_refuses(call: Callable[..., list[bytes]], method: str) -> None:
    throttle = certain()
    with called(Held()) as callee:
        callee.gate.clear()
        with Deadline(0.2), pytest.raises(grpc.RpcError) as late:
            call(throttle, callee.address, method)
        assert late.value.code() is StatusCode.DEADLINE_EXCEEDED
    assert counted(throttle) == (1, 0)


def test_a_call_that_is_cancelled_in_threads_is_neither_accepted_nor_refused() -> None:
    throttle = certain()
    with called(Held()) as callee, grpc.insecure_channel(callee.address) as plain:
        callee.gate.clear()
        channel = grpc.intercept_channel(plain, ThrottlingInterceptor("callee", throttle=throttle))
        for begin in (channel.unary_unary("/test/Unary").future, channel.unary_stream("/test/Stream")):
            call = begin(b"")
            assert callee.began.wait(AGES)
            callee.began.clear()
            call.cancel()
            until(call.done)
    assert counted(throttle) == (0, 0)


@pytest.mark.parametrize("method", ["Unary", "Stream", "Collect"])
def test_a_call_that_is_cancelled_in_asyncio_is_neither_accepted_nor_refused_and_the_callee_hears_of_it(method: str) -> None:
    throttle = certain()
    gone = threading.Event()

    class Told(Held):
        def taken(self, context: Any) -> None:  # noqa: ANN401 - grpc's own
            context.add_callback(gone.set)
            super().taken(context)

    async def scenario() -> None:
        async with aio.insecure_channel(callee.address, interceptors=async_throttling_interceptors("callee", throttle=throttle)) as channel:
            match method:
                case "Unary":
                    task = asyncio.ensure_future(waited(channel.unary_unary("/test/Unary")(b"")))
                case "Collect":
                    task = asyncio.ensure_future(waited(channel.stream_unary("/test/Collect")([b""])))
                case _:
                    task = asyncio.ensure_future(waited(channel.unary_stream("/test/Stream")(b"").read()))
            await asyncio.to_thread(callee.began.wait, AGES)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
            # While the channel is open: nobody but the caller ends the call.
            assert await asyncio.to_thread(gone.wait, AGES)

    async def waited(call: Awaitable[bytes]) -> bytes:
        return await call

    with called(Told()) as callee:
        callee.gate.clear()
        asyncio.run(scenario())
    assert counted(throttle) == (0, 0)


def test_a_stream_counts_at_its_first_response_though_it_lasts_and_is_cancelled_then() -> None:
    throttle = certain()
    with called() as callee, grpc.insecure_channel(callee.address) as plain:
        callee.gate.clear()
        channel = grpc.intercept_channel(plain, ThrottlingInterceptor("callee", throttle=throttle))
        call = channel.unary_stream("/test/Stream")(b"")
        assert next(call) == b"0"
        assert counted(throttle) == (1, 1)
        assert call.is_active()
        call.cancel()
        assert call.code() is StatusCode.CANCELLED
    assert counted(throttle) == (1, 1)


def test_a_stream_of_asyncio_counts_at_its_first_response_and_may_be_read_written_and_cancelled() -> None:
    async def scenario() -> None:
        async with aio.insecure_channel(callee.address, interceptors=async_throttling_interceptors("callee", throttle=throttle)) as channel:
            call = channel.stream_stream("/test/Echo")()
            await call.write(b"a")
            assert await call.read() == b"a0"
            assert counted(throttle) == (1, 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call.read()
            collecting = channel.stream_unary("/test/Collect")()
            await collecting.write(b"a")
            await collecting.write(b"b")
            await collecting.done_writing()
            assert await collecting == b"done ab"
            while counted(throttle) != (2, 2):  # noqa: ASYNC110 - counted by a task that nobody is handed
                await asyncio.sleep(0.001)

    throttle = certain()
    with called() as callee:
        callee.gate.clear()
        asyncio.run(asyncio.wait_for(scenario(), AGES))
    assert counted(throttle) == (2, 2)


@both
@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.INTERNAL])
def test_a_stream_that_breaks_after_its_first_response_counts_once(call: Callable[..., list[bytes]], code: StatusCode) -> None:
    def broken(request: bytes, context: Any) -> Iterator[bytes]:  # noqa: ANN401 - grpc's own
        yield request
        context.abort(code, "halfway")

    throttle = certain()
    with in_threads({"Stream": grpc.unary_stream_rpc_method_handler(broken)}) as address, pytest.raises(grpc.RpcError) as failed:
        call(throttle, address, "Stream")
    assert failed.value.code() is code
    # Threads may hear of the end before they hand the first response on.
    requests, accepts = counted(throttle)
    assert (requests, accepts) == (1, 1) or (call is call_once and code is StatusCode.UNAVAILABLE and (requests, accepts) == (1, 0))


def test_what_another_interceptor_raises_is_nothing_that_the_callee_said() -> None:
    throttle, inner = certain(), certain()
    inner.refused("callee")
    with called() as callee, grpc.insecure_channel(callee.address) as plain:
        within = grpc.intercept_channel(plain, ThrottlingInterceptor("callee", throttle=inner))
        channel = grpc.intercept_channel(within, ThrottlingInterceptor("callee", throttle=throttle))
        with pytest.raises(ThrottledError):
            channel.unary_unary("/test/Unary")(b"")
        with pytest.raises(ThrottledError):
            channel.unary_unary("/test/Unary").future(b"").result()
        with pytest.raises(ThrottledError):
            next(channel.unary_stream("/test/Stream")(b""))
    assert (counted(throttle), callee.seen) == ((0, 0), [])


# -- one after the other


def test_a_deadline_goes_through_two_hops_of_grpc_and_the_guard_between_them_cuts_it() -> None:
    seen: list[float | None] = []

    def last(request: bytes, _context: object) -> bytes:
        seen.append(remaining())
        return request

    def first(request: bytes, _context: object) -> bytes:
        seen.append(remaining())
        return guard.call(onward.unary_unary("/test/Unary"), request)  # type: ignore[no-any-return]

    guard = Guard("last", timeout=5.0)
    throttle = certain()
    limiters = [limited(1)[1] for _ in range(2)]
    with shedding(THREADS, limiters[0], last) as plain, shedding(THREADS, limiters[1], first) as channel:
        onward = grpc.intercept_channel(plain, ThrottlingInterceptor("last", throttle=throttle))
        ask = channel.unary_unary("/test/Unary")
        assert ask(b"x", timeout=20.0) == b"x"
        assert ask(b"x", timeout=3.0) == b"x"
        assert ask(b"x") == b"x"
        until(lambda: [limiter.in_flight for limiter in limiters] == [0, 0])
    long, cut, short, uncut, none, alone = [math.inf if left is None else left for left in seen]
    assert 10.0 < long <= 20.1
    assert 0.0 < cut <= 5.1  # grpc rounds what it sends up, by at most a hundredth
    assert 0.0 < uncut < short + 0.05 <= 3.1
    assert (none, 0.0 < alone <= 5.1) == (math.inf, True)
    assert (guard.counts().good, counted(throttle)) == (3, (3, 3))


def test_a_guard_in_the_middle_makes_no_call_once_the_time_of_the_first_hop_is_over() -> None:
    made: list[bytes] = []
    ended = threading.Event()

    def last(request: bytes, _context: object) -> bytes:
        made.append(request)
        return request

    def first(request: bytes, context: Any) -> bytes:  # noqa: ANN401 - grpc's own
        gone.wait(AGES)
        until(lambda: context.time_remaining() == 0.0)
        try:
            return guard.call(onward.unary_unary("/test/Unary"), request)  # type: ignore[no-any-return]
        finally:
            ended.set()

    gone = threading.Event()
    guard = Guard("last", timeout=5.0)
    with shedding(THREADS, limited(1)[1], last) as plain, shedding(THREADS, limited(1)[1], first) as channel:
        onward = grpc.intercept_channel(plain, ThrottlingInterceptor("last", throttle=certain()))
        assert code_of(channel, timeout=0.2) is StatusCode.DEADLINE_EXCEEDED
        gone.set()
        assert ended.wait(AGES)
    assert (made, guard.counts().refused, guard.counts().good) == ([], 1, 0)


def test_a_deadline_goes_from_http_to_grpc_and_a_guard_gives_its_fallback_when_the_callee_is_late() -> None:
    httpx = pytest.importorskip("httpx")

    async def application(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 - the protocol's
        answers.append(await guard.call_async(onward[0], b"x"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def last(request: bytes, _context: object) -> bytes:
        seen.append(remaining())
        if len(seen) > 1:
            await asyncio.Event().wait()
        return request

    async def scenario() -> None:
        server = aio.server(
            handlers=[Methods({"Unary": grpc.unary_unary_rpc_method_handler(last)})], interceptors=[AsyncLoadShedding(limiter)]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        interceptors = async_throttling_interceptors("last", throttle=throttle)
        async with (
            aio.insecure_channel(f"127.0.0.1:{port}", interceptors=interceptors) as channel,
            httpx.AsyncClient(transport=httpx.ASGITransport(HttpLoadShedding(application)), base_url="http://test") as client,
        ):
            onward.append(channel.unary_unary("/test/Unary"))
            assert (await client.get("/", headers={"x-request-timeout-ms": "9000"})).status_code == 200
            # Long enough to get there, and all the time that there is.
            assert (await client.get("/", headers={"x-request-timeout-ms": "300"})).status_code == 200
            while limiter.in_flight:  # noqa: ASYNC110 - the server hears of it when it does
                await asyncio.sleep(0.001)
        await server.stop(None)

    onward: list[Any] = []
    seen: list[float | None] = []
    answers: list[bytes] = []
    algorithm, limiter = limited(1)
    throttle = certain()
    guard = Guard("last", timeout=60.0, fallback=Always())
    asyncio.run(asyncio.wait_for(scenario(), AGES))
    assert answers == [b"x", b"instead"]
    first, second = seen
    assert first is not None
    assert second is not None
    assert 1.0 < first <= 9.1
    assert second <= 0.31
    assert algorithm.drops == [False, True]


class Always:
    """A fallback."""

    def answer(self, *_: object) -> bytes:
        return b"instead"


def test_limits_of_the_usual_kind_serve_as_well() -> None:
    with in_threads(handlers_of(THREADS, well, thrice), LoadShedding()) as address, grpc.insecure_channel(address) as channel:
        assert answer(channel, "Unary") == [b"done a"]
    limiter = Limiter(Fixed(1))
    with shedding(THREADS, limiter) as channel:
        assert answer(channel, "Unary") == [b"done a"]
