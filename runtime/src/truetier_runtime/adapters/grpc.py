"""Load shedding in a gRPC server, and on channels the other side: calls that the callee would refuse are left out, deadlines go along.

    server = grpc.server(pool, interceptors=[LoadShedding()])                      # grpc.aio.server: AsyncLoadShedding
    channel = grpc.intercept_channel(channel, ThrottlingInterceptor("prices", throttle=throttle))
    channel = grpc.aio.insecure_channel(address, interceptors=async_throttling_interceptors("prices", throttle=throttle))

One RPC is one place of the limit from when it is let in to when its handler ends, a stream like any other. Its time tells of load up to
the first message that a generator yields, since what follows goes at the client's pace; where requests stream, that pace is in all of it,
so that only drops are learned from. A subscription that lasts for days would keep its place as long: let ``priority_of`` give None for it.

What is refused is UNAVAILABLE: the code of which gRPC says that the call itself may be tried again, and which retry policies name. When
is said by ``grpc-retry-pushback-ms``, drawn like a Retry-After. gRPC waits for it even where the call's time ends first (and for ever, if
it is 0), so a number that would be too late is sent as negative: do not retry. How far it is below 0 is then how long to stay away, which
only our own clients read.

In a server of threads an RPC waits for a thread before anybody can look at its class, and a refusal needs one too. Give the pool more
threads than the limit ever has places, and some for who waits; ``maximum_concurrent_rpcs`` bounds the rest.

The priority travels as metadata, under the name that HTTP has; the deadline in gRPC's own ``grpc-timeout``.

Source: gRPC, Status codes and their use; gRFC A6, Client Retries (Pushback).
"""

from __future__ import annotations

import asyncio
import inspect
import math
import random
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from grpc import StatusCode, aio

from truetier_runtime.deadline import Deadline
from truetier_runtime.deadline import remaining as seconds_left
from truetier_runtime.errors import DeadlineExceededError, RefusedError
from truetier_runtime.limiter import Limiter, Outcome
from truetier_runtime.limits import Gradient
from truetier_runtime.shed import PRIORITY_HEADER, Priority, Refusals, priority_named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from truetier_runtime.limiter import Permit
    from truetier_runtime.throttle import Throttle

    # Any: a message is whatever the service's serializers make of bytes.
    Message = Any
    Behavior = Callable[[Any, Any], Any]
    Handler = grpc.RpcMethodHandler[Any, Any]
    PriorityOf = Callable[[grpc.HandlerCallDetails], Priority | None]

PUSHBACK = "grpc-retry-pushback-ms"
# What a callee, or who stands behind it, says when it is overloaded or too late.
DROPPED_CODES = frozenset({StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.DEADLINE_EXCEEDED})
# The caller was wrong: the answer took as long as answers take.
MISTAKE_CODES = frozenset(
    {
        StatusCode.INVALID_ARGUMENT,
        StatusCode.NOT_FOUND,
        StatusCode.ALREADY_EXISTS,
        StatusCode.PERMISSION_DENIED,
        StatusCode.FAILED_PRECONDITION,
        StatusCode.ABORTED,
        StatusCode.OUT_OF_RANGE,
        StatusCode.UNAUTHENTICATED,
    }
)
_NO_DEADLINE = 24 * 60 * 60.0  # seconds: what waits longer has no deadline worth the name; without one, threads are told of ages
_LATE = 0.1  # who leaves within the last tenth of the time it gave was out of time: its clock began before ours
_UNARY = "unary_unary"
_KINDS: dict[tuple[bool, bool], tuple[str, Callable[..., Handler]]] = {
    (False, False): (_UNARY, grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


# -- the server


def priority_by_metadata(details: grpc.HandlerCallDetails) -> Priority | None:
    """The class that the metadata name. It is taken at its word: an edge that faces strangers has to strip or set it."""
    return priority_named(_value(details.invocation_metadata, PRIORITY_HEADER))


class _Refusal(NamedTuple):
    """What to answer who is not let in."""

    code: StatusCode
    details: str
    metadata: tuple[tuple[str, str], ...]


class _Door:
    """Who is let in and what is said to the others: the same for threads and for asyncio."""

    __slots__ = ("_refusals", "limiter", "priority_of")

    # Any: it is nobody's business here which algorithm's state the limiter keeps.
    def __init__(self, limiter: Limiter[Any] | None, priority_of: PriorityOf, refusals: Refusals | None) -> None:
        self.limiter = limiter or Limiter(Gradient())
        self.priority_of = priority_of
        self._refusals = refusals or Refusals(clock=self.limiter.clock, chance=random.random)

    def until(self, left: float | None) -> float:
        """The end of so many seconds, by the limiter's clock."""
        return math.inf if left is None else self.limiter.clock() + left

    def admitted(self) -> None:
        self._refusals.admitted()

    def refused(self, error: RefusedError, left: float | None) -> _Refusal:
        if isinstance(error, DeadlineExceededError):
            # Who was refused for being late need not stay away: nothing is known of load.
            return _Refusal(StatusCode.DEADLINE_EXCEEDED, str(error), ())
        seconds = self._refusals.refused()
        is_in_time = left is None or seconds < left
        milliseconds = math.ceil(seconds * 1000.0) * (1 if is_in_time else -1)
        return _Refusal(StatusCode.UNAVAILABLE, str(error), ((PUSHBACK, str(milliseconds)),))


class _Exchange:
    """One RPC that was let in: what its end says of load. ``left`` is how many seconds it came with."""

    __slots__ = ("_context", "_is_telling", "_left", "_permit", "answered")

    def __init__(self, permit: Permit, context: Any, left: float | None, *, is_telling: bool) -> None:  # noqa: ANN401 - of three kinds
        self._permit = permit
        self._context = context
        self._left = left
        self._is_telling = is_telling
        self.answered = permit.answered

    def deadline(self) -> AbstractContextManager[object]:
        """What the handler runs in: whatever it calls in turn has no longer."""
        left = _seconds_left(self._context)
        return nullcontext() if left is None else Deadline(left)

    def abandon(self) -> None:
        """It ended, whether or not its handler ever does."""
        self._permit.release(Outcome.IGNORED)

    def __enter__(self) -> _Exchange:  # noqa: PYI034 - nothing derives from it
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        outcome = self._outcome(error)
        if outcome is Outcome.SUCCESS and not self._is_telling:
            outcome = Outcome.IGNORED
        self._permit.release(outcome)

    def _outcome(self, error: BaseException | None) -> Outcome:
        # Handlers of threads in a server of asyncio have a context that cannot tell either.
        is_active, code = getattr(self._context, "is_active", None), getattr(self._context, "code", None)
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)) or (is_active and not is_active()):
            return Outcome.DROPPED if self._is_late() else Outcome.IGNORED
        if isinstance(error, (TimeoutError, RefusedError)):
            return Outcome.DROPPED
        if isinstance(error, grpc.RpcError) and hasattr(error, "code") and error.code() in DROPPED_CODES:
            return Outcome.DROPPED  # of whom the handler called
        said = code() if code else None
        if said in DROPPED_CODES:
            return Outcome.DROPPED
        if said in MISTAKE_CODES or (error is None and said in {None, StatusCode.OK}):
            return Outcome.SUCCESS
        # Failures are quick or slow for reasons of their own.
        return Outcome.IGNORED

    def _is_late(self) -> bool:
        left = _seconds_left(self._context)
        return self._left is not None and left is not None and left <= self._left * _LATE


class LoadShedding(grpc.ServerInterceptor):
    """For ``grpc.server``. ``priority_of`` gives an RPC's class from its method and metadata, None for what is not to be counted at all.

    ``refusals`` says when who is refused may come back; give one with a seeded chance for tests.
    """

    def __init__(
        self,
        limiter: Limiter[Any] | None = None,
        *,
        priority_of: PriorityOf = priority_by_metadata,
        refusals: Refusals | None = None,
    ) -> None:
        self._door = _Door(limiter, priority_of, refusals)

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Handler | None], handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The handler, behind the door."""
        handler = continuation(handler_call_details)
        priority = self._door.priority_of(handler_call_details)
        return handler if handler is None or priority is None else _guarded(self._door, priority, handler)


class AsyncLoadShedding(aio.ServerInterceptor):
    """The same for ``grpc.aio.server``, whose handlers may be asynchronous or not."""

    def __init__(
        self,
        limiter: Limiter[Any] | None = None,
        *,
        priority_of: PriorityOf = priority_by_metadata,
        refusals: Refusals | None = None,
    ) -> None:
        self._door = _Door(limiter, priority_of, refusals)

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]], handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The handler, behind the door."""
        handler = await continuation(handler_call_details)
        priority = self._door.priority_of(handler_call_details)
        if handler is None or priority is None:
            return handler
        return _guarded(self._door, priority, handler, asyncio.current_task())


def _guarded(door: _Door, priority: Priority, handler: Handler, task: asyncio.Task[Any] | None = None) -> Handler:
    name, make = _KINDS[bool(handler.request_streaming), bool(handler.response_streaming)]
    behavior: Behavior = getattr(handler, name)
    # As grpc.aio tells them apart; in a server of threads there are none but the last.
    if inspect.isasyncgenfunction(behavior):
        behavior = _guarded_async_stream(door, priority, behavior, is_telling=not handler.request_streaming)
    elif inspect.iscoroutinefunction(behavior):
        behavior = _guarded_async(door, priority, behavior, is_telling=name == _UNARY)
    elif handler.response_streaming:
        behavior = _guarded_stream(door, priority, behavior, task, is_telling=not handler.request_streaming)
    else:
        behavior = _guarded_unary(door, priority, behavior, is_telling=name == _UNARY)
    return make(behavior, handler.request_deserializer, handler.response_serializer)


def _guarded_unary(door: _Door, priority: Priority, behavior: Behavior, *, is_telling: bool) -> Behavior:
    def guarded(request: Message, context: grpc.ServicerContext) -> Message:
        with _let_in(door, priority, context, is_telling=is_telling) as exchange, exchange.deadline():
            return behavior(request, context)

    return guarded


def _guarded_stream(door: _Door, priority: Priority, behavior: Behavior, task: asyncio.Task[Any] | None, *, is_telling: bool) -> Behavior:
    # grpc.aio leaves a generator of threads waiting for ever, thread and all, when the client goes away between two messages. What it
    # holds is given back at the end of the RPC's task.
    abandoned: list[_Exchange] = []

    def ended(_: object) -> None:
        for exchange in abandoned:
            exchange.abandon()

    if task:
        task.add_done_callback(ended)

    # A generator: one whose client left before anybody asked for a message never came in.
    def guarded(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
        with _let_in(door, priority, context, is_telling=is_telling) as exchange, exchange.deadline():
            abandoned.append(exchange)
            if task and task.done():
                exchange.abandon()
            for response in behavior(request, context):
                exchange.answered()
                yield response

    return guarded


def _guarded_async(door: _Door, priority: Priority, behavior: Behavior, *, is_telling: bool) -> Behavior:
    async def guarded(request: Message, context: aio.ServicerContext[Any, Any]) -> Message:
        with await _let_in_async(door, priority, context, is_telling=is_telling) as exchange, exchange.deadline():
            return await behavior(request, context)

    return guarded


def _guarded_async_stream(door: _Door, priority: Priority, behavior: Behavior, *, is_telling: bool) -> Behavior:
    # Writes what the generator yields: were it a generator too, one whose client leaves would end some time later, in another task.
    async def guarded(request: Message, context: aio.ServicerContext[Any, Any]) -> None:
        with await _let_in_async(door, priority, context, is_telling=is_telling) as exchange, exchange.deadline():
            async with aclosing(behavior(request, context)) as responses:
                async for response in responses:
                    exchange.answered()
                    await context.write(response)

    return guarded


def _let_in(door: _Door, priority: Priority, context: grpc.ServicerContext, *, is_telling: bool) -> _Exchange:
    left = _seconds_left(context)
    try:
        permit = door.limiter.acquire(priority, deadline=door.until(left))
    except RefusedError as error:
        refusal = door.refused(error, left)
        context.set_trailing_metadata(refusal.metadata)
        context.abort(refusal.code, refusal.details)
    door.admitted()
    return _Exchange(permit, context, left, is_telling=is_telling)


async def _let_in_async(door: _Door, priority: Priority, context: aio.ServicerContext[Any, Any], *, is_telling: bool) -> _Exchange:
    left = _seconds_left(context)
    try:
        permit = await door.limiter.acquire_async(priority, deadline=door.until(left))
    except RefusedError as error:
        refusal = door.refused(error, left)
        await context.abort(refusal.code, refusal.details, refusal.metadata)
    door.admitted()
    return _Exchange(permit, context, left, is_telling=is_telling)


def _seconds_left(context: Any) -> float | None:  # noqa: ANN401 - of three kinds
    left = context.time_remaining()
    return None if left is None or left > _NO_DEADLINE else float(left)


# -- the client


class _Details(grpc.ClientCallDetails):
    """What a call is sent with."""

    def __init__(self, given: grpc.ClientCallDetails, timeout: float | None, metadata: Any) -> None:  # noqa: ANN401 - pairs, of either kind
        self.method = given.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = given.credentials
        self.wait_for_ready = given.wait_for_ready
        self.compression = given.compression


class _Call:
    """One call under way: the same for threads and for asyncio. Made, it may be sent.

    Raises DeadlineExceededError and ThrottledError.
    """

    __slots__ = ("_callee", "_priority", "_throttle", "_untold", "metadata", "timeout")

    def __init__(self, callee: str, throttle: Throttle, timeout: float | None, metadata: Iterable[tuple[str, Any]] | None) -> None:
        remaining = seconds_left()
        if remaining is not None and remaining <= 0.0:
            raise DeadlineExceededError(f"no time is left to call {callee}")
        pairs = tuple(metadata or ())
        named = _value(pairs, PRIORITY_HEADER)
        self._callee = callee
        self._throttle = throttle
        self._priority = priority_named(named)
        throttle.check(callee, self._priority)
        self.metadata = pairs if named else (*pairs, (PRIORITY_HEADER, self._priority.name.lower()))
        self.timeout = timeout if remaining is None else min(remaining, math.inf if timeout is None else timeout)
        # A list gives its element to one thread alone: the first response and the end may come from two.
        self._untold: list[None] = [None]

    def accepted(self) -> None:
        """The callee took the call, whether or not it then does it well."""
        if self._is_first():
            self._throttle.accepted(self._callee, self._priority)

    def failed(self, code: StatusCode, metadata: Iterable[tuple[str, Any]] | None) -> None:
        """It ended with that code and those trailing metadata. A cancelled call says nothing of the callee."""
        if code in DROPPED_CODES:
            if self._is_first():
                asked = _seconds_asked_for(_value(metadata, PUSHBACK))
                self._throttle.refused(self._callee, self._priority, retry_after=asked)
        elif code is not StatusCode.CANCELLED:
            self.accepted()

    def ended(self, call: Any) -> None:  # noqa: ANN401 - a Call that is a Future, which grpc has no name for
        """It ended: what grpc tells who waits in a thread."""
        if call.cancelled():
            return
        error = call.exception()
        if error is None:
            self.accepted()
        elif error is call or isinstance(error, grpc.Call):
            self.failed(error.code(), error.trailing_metadata())

    def _is_first(self) -> bool:
        try:
            self._untold.pop()
        except IndexError:
            return False
        return True


class _Responses:
    """A call whose first response says that the callee took it: what streams for days need not end for that."""

    def __init__(self, call: Any, told: _Call) -> None:  # noqa: ANN401 - a Call that is an iterator
        self._call = call
        self._told = told

    def __iter__(self) -> _Responses:
        return self

    def __next__(self) -> Message:
        response = next(self._call)
        self._told.accepted()
        return response

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a call has
        return getattr(self._call, name)


class ThrottlingInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """For ``grpc.intercept_channel``: before a call is sent, ``throttle`` is asked about ``callee``, a name of your own for who is called.

    A call's class is what its metadata have under ``shed.PRIORITY_HEADER``, default where they have nothing. Its timeout is cut to the
    time the deadline around it leaves. Refused are UNAVAILABLE, RESOURCE_EXHAUSTED and DEADLINE_EXCEEDED; cancelled calls say nothing,
    everything else is an answer. A stream counts at its first response, or at its end if it has none.

    Raises, besides what grpc raises: ThrottledError and DeadlineExceededError, before anything is sent.
    """

    def __init__(self, callee: str, *, throttle: Throttle) -> None:
        self._callee = callee
        self._throttle = throttle

    def intercept_unary_unary(self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request: Message) -> Any:  # noqa: ANN401 - what grpc makes of it
        """One request, one response."""
        return self._sent(continuation, client_call_details, request)[0]

    def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request_iterator: Iterator[Message]
    ) -> Any:  # noqa: ANN401 - as above
        """Many requests, one response."""
        return self._sent(continuation, client_call_details, request_iterator)[0]

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request: Message
    ) -> Any:  # noqa: ANN401 - as above
        """One request, many responses."""
        return _Responses(*self._sent(continuation, client_call_details, request))

    def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request_iterator: Iterator[Message]
    ) -> Any:  # noqa: ANN401 - as above
        """Many requests, many responses."""
        return _Responses(*self._sent(continuation, client_call_details, request_iterator))

    def _sent(self, continuation: Callable[..., Any], details: grpc.ClientCallDetails, request: Message) -> tuple[Any, _Call]:
        told = _Call(self._callee, self._throttle, details.timeout, details.metadata)
        call = continuation(_Details(details, told.timeout, told.metadata), request)
        call.add_done_callback(told.ended)
        return call, told


def async_throttling_interceptors(callee: str, *, throttle: Throttle) -> list[aio.ClientInterceptor]:
    """For a channel of ``grpc.aio``: what ``ThrottlingInterceptor`` does, in four parts, since there an interceptor is of one kind."""
    return [kind(callee, throttle) for kind in (_AsyncUnary, _AsyncResponses, _AsyncRequests, _AsyncBoth)]


class _Async:
    def __init__(self, callee: str, throttle: Throttle) -> None:
        self._callee = callee
        self._throttle = throttle

    async def _sent(self, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Message) -> tuple[Any, _Call]:
        told = _Call(self._callee, self._throttle, details.timeout, details.metadata)
        sent = aio.ClientCallDetails(
            details.method, told.timeout, aio.Metadata(*told.metadata), details.credentials, details.wait_for_ready
        )
        return await continuation(sent, request), told

    async def _streamed(self, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Message) -> AsyncIterator[Message]:
        call, told = await self._sent(continuation, details, request)
        return _responses(call, told)


class _AsyncUnary(_Async, aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: aio.ClientCallDetails, request: Message
    ) -> Any:  # noqa: ANN401 - as above
        call, told = await self._sent(continuation, client_call_details, request)
        await _count(call, told)
        return call


class _AsyncRequests(_Async, aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request_iterator: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        call, told = await self._sent(continuation, client_call_details, request_iterator)
        # To wait for its end here would keep the caller from writing.
        tasks: set[asyncio.Task[None]] = set()

        def count(_: object) -> None:
            task = asyncio.get_running_loop().create_task(_count(call, told))
            tasks.add(task)  # else nobody holds it
            task.add_done_callback(tasks.discard)

        call.add_done_callback(count)
        return call


class _AsyncResponses(_Async, aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: aio.ClientCallDetails, request: Message
    ) -> AsyncIterator[Message]:
        return await self._streamed(continuation, client_call_details, request)


class _AsyncBoth(_Async, aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self,
        continuation: Callable[..., Any],
        client_call_details: aio.ClientCallDetails,
        request_iterator: Any,  # noqa: ANN401 - as above
    ) -> AsyncIterator[Message]:
        return await self._streamed(continuation, client_call_details, request_iterator)


async def _count(call: Any, told: _Call) -> None:  # noqa: ANN401 - of either kind that has one response
    """Waits for the end of a call and counts it. Whoever awaits the call is told of an error by it."""
    try:
        await call
    except aio.AioRpcError as error:
        told.failed(error.code(), error.trailing_metadata())
    else:
        told.accepted()


async def _responses(call: Any, told: _Call) -> AsyncIterator[Message]:  # noqa: ANN401 - of either kind that has many responses
    try:
        async for response in call:
            told.accepted()
            yield response
    except aio.AioRpcError as error:
        told.failed(error.code(), error.trailing_metadata())
        raise
    told.accepted()


def _seconds_asked_for(pushback: str) -> float:
    """The seconds to stay away that a pushback holds, 0 where it says nothing that can be read."""
    digits = pushback.removeprefix("-")
    return int(digits) / 1000.0 if digits.isascii() and digits.isdigit() and len(digits) <= 10 else 0.0


def _value(metadata: Iterable[tuple[str, Any]] | None, key: str) -> str:
    """The text under a key of metadata, empty where there is none."""
    for name, value in metadata or ():
        if name == key:
            return str(value)
    return ""
