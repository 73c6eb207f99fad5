"""Static stability, shown: everything that a control plane is gone, and whoever asks for it all the same is named.

``with Blackout("config.internal:443"):`` every attempt to reach it fails as in a real outage, and the end of the block raises BlackoutError
with the stack of each attempt, also where the code swallowed the error or ran on another thread. Without an endpoint everything is gone
but what ``allow`` names.

How it sees: the interpreter tells audit hooks (PEP 578) of each connection, each datagram with an address and each look-up of a name
before it happens, wherever in Python it comes from: urllib, asyncio, a C extension that uses Python's sockets. A hook cannot be removed,
so there is one, which does nothing while no blackout is on. Connections that were open before, as in a pool, are shut down at the
start, and while the blackout lasts the ways that Python sends over a socket are watched, for no audit event tells of those.

What it cannot stop: a C library that makes its own system calls, as gRPC's core and libuv do. On Linux it is noticed all the same, if the
connection is open, or being opened, at the end or at a ``look``: the kernel's tables of this process's sockets are compared with those of
the start. One that came and went in between, what another process does (one that is started here, too), and threads that go on after the
block are not seen. ``connect_ex`` raises here where it would give a number in an outage.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from truetier_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType, TracebackType
    from typing import Self

    T = TypeVar("T")
    Address = tuple[str, int | None]  # a name, an IP address as text, or the path of a Unix socket; None is for any port

_EVENTS = {
    "socket.connect": "connect",
    "socket.sendto": "send a datagram",
    "socket.sendmsg": "send a message",
    "socket.getaddrinfo": "look up a name",
    "socket.gethostbyname": "look up a name",
    "socket.gethostbyaddr": "look up an address",
    "socket.getnameinfo": "look up an address",
}
_BY_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_SENDS = ("send", "sendall", "sendmsg", "sendto", "sendfile")
_FRAMES = 40  # of a stack that are shown
_MOST_SHOWN = 50  # violations
_LISTENING = 0x0A  # a state of TCP in the kernel's tables
_on: Blackout | None = None
_is_hooked = False
_background: ContextVar[bool] = ContextVar("truetier_background", default=False)
_inside = threading.local()  # what this module does itself is nobody's attempt


class Violation:
    """An attempt: to do ``what`` with which ``endpoint``, on which ``thread``, from where (``stack``), how many ``times`` from there."""

    __slots__ = ("endpoint", "stack", "thread", "times", "what")

    def __init__(self, what: str, endpoint: str, thread: str, stack: tuple[str, ...]) -> None:
        self.what = what
        self.endpoint = endpoint
        self.thread = thread
        self.stack = stack
        self.times = 1

    def __str__(self) -> str:
        times = "" if self.times == 1 else f", {self.times} times"
        return f"{self.what} {self.endpoint} on thread {self.thread}{times}\n{''.join(self.stack)}".rstrip()


class BlackoutError(AssertionError):
    """Somebody asked for what has to be dispensable: ``violations`` are all attempts."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        shown = [f"{number}. {violation}" for number, violation in enumerate(violations[:_MOST_SHOWN], 1)]
        more = [f"and {len(violations) - _MOST_SHOWN} more"] if len(violations) > _MOST_SHOWN else []
        super().__init__("\n".join([f"not statically stable: {len(violations)} attempts to reach what is gone", *shown, *more]))
        self.violations = violations


@contextmanager
def background() -> Iterator[None]:
    """What runs in it, or is started in it as a task, may try: it fails as all do in a blackout, and is no violation."""
    token = _background.set(True)
    try:
        yield
    finally:
        _background.reset(token)


def statically_stable(work: Callable[[], T], *gone: str, **settings: Any) -> T:  # noqa: ANN401 - what Blackout takes
    """What work gives while everything else is gone. Raises BlackoutError, and what the work raises."""
    with Blackout(*gone, **settings):
        return work()


class Blackout:
    """A ``with`` in which endpoints are gone: ``host``, ``host:port``, ``[::1]:443``, a path of a Unix socket; without one, everything is.

    ``allow`` names what is there all the same, as a database of a test. ``error`` is how attempts fail: ConnectionRefusedError as where
    nobody listens, or TimeoutError as where nobody answers, raised at once. Names that are gone cannot be looked up either.
    ``background_threads`` are beginnings of names of threads that may try, as pollers do by design; for tasks there is ``background()``.
    What those tried is in ``tolerated``; ``violations`` is what the others did. One at a time in a process. Raises UsageError.
    """

    def __init__(
        self,
        *gone: str,
        allow: Iterable[str] = (),
        error: type[ConnectionRefusedError | TimeoutError] = ConnectionRefusedError,
        background_threads: Iterable[str] = ("truetier-",),
    ) -> None:
        self.violations: list[Violation] = []
        self.tolerated: list[Violation] = []
        self._is_all = not gone
        self._named = _parsed(gone)
        self._allowed = _parsed(allow)
        self._error = error
        self._background = tuple(background_threads)
        self._severed: dict[int, Address] = {}  # by inode, the other end of connections that were open before
        self._before: set[int] = set()
        self._watched: list[tuple[type, str, Any]] = []
        if gone and self._allowed:
            raise UsageError("either what is gone or what is left, not both")

    def __enter__(self) -> Self:
        global _on, _is_hooked  # noqa: PLW0603 - a hook is for the whole process
        if _on is not None:
            raise UsageError("a blackout is on already")
        for found in (self.violations, self.tolerated, self._severed):  # of the last time
            found.clear()
        # Names are looked up while that is possible; who connects by address is caught, too.
        self._named |= _addresses(self._named)
        self._allowed |= _addresses(self._allowed)
        if not _is_hooked:
            sys.addaudithook(_hook)
            _is_hooked = True
        self._before = set(_sockets())
        self._sever()
        self._watch()
        _on = self
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        global _on  # noqa: PLW0603 - as above
        try:
            self.look()
        finally:
            _on = None
            for owner, name, usual in self._watched:
                if usual is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, usual)
            self._watched.clear()
        if self.violations and (error is None or isinstance(error, Exception)):
            raise BlackoutError(tuple(self.violations)) from error

    def look(self) -> None:
        """Looks for connections that C code opened since the start, where there is Linux's /proc; also done at the end."""
        known = set(self._before)
        for inode, address in _connected(_sockets()).items():
            if inode not in known and self._is_gone(*address):
                self._before.add(inode)
                self._note("connect (C code, seen in the kernel's tables)", _shown(address), None)

    # -- what the hook asks

    def _attempted(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raises, and remembers it, if the event is about what is gone."""
        address = _address_of(event, arguments)
        if address is None or not (self._is_gone(*address) or (event in _BY_ADDRESS and self._is_gone_by_another_name(*address))):
            return
        self._note(_EVENTS[event], _shown(address), sys._getframe(2))  # noqa: SLF001 - the caller, without what inspect costs
        if event.startswith("socket.get"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution (blackout)")
        raise self._failure(_shown(address))

    def _sent(self, sender: socket.socket) -> bool:
        """Whether this connection was severed at the start, which is remembered; the system call that follows fails by itself."""
        address = self._severed.get(os.fstat(sender.fileno()).st_ino) if sender.fileno() >= 0 else None
        if address is not None:
            self._note("send over a connection that was open before, to", _shown(address), sys._getframe(2))  # noqa: SLF001 - the caller, without what inspect costs
        return address is not None

    def _is_gone(self, host: str, port: int | None) -> bool:
        return not _is_among(host, port, self._allowed) if self._is_all else _is_among(host, port, self._named)

    def _is_gone_by_another_name(self, host: str, port: int | None) -> bool:
        """Whoever connects to a name has the system look it up on the way, of which no hook is told."""
        return not self._is_all and not _is_numeric(host) and any(_is_among(*one, self._named) for one in _addresses({(host, port)}))

    def _failure(self, endpoint: str) -> OSError:
        number = errno.ECONNREFUSED if issubclass(self._error, ConnectionRefusedError) else errno.ETIMEDOUT
        return self._error(number, f"{os.strerror(number)} (blackout of {endpoint})")

    def _note(self, what: str, endpoint: str, frame: FrameType | None) -> None:
        thread = threading.current_thread().name
        is_background = _background.get() or thread.startswith(self._background)
        found = self.tolerated if is_background and frame is not None else self.violations
        stack = () if frame is None else tuple(traceback.format_stack(frame, _FRAMES))
        for violation in found:
            if (violation.what, violation.endpoint, violation.thread, violation.stack) == (what, endpoint, thread, stack):
                violation.times += 1
                return
        found.append(Violation(what, endpoint, thread, stack))

    # -- what was open before

    def _sever(self) -> None:
        """Shuts connections to what is gone, as the network does in an outage: whoever holds one finds it closed."""
        sockets = _sockets()
        for inode, address in {**_unix_connected(sockets), **_connected(sockets)}.items():
            if self._is_gone(*address):
                self._severed[inode] = address
                with suppress(OSError), socket.socket(fileno=os.dup(sockets[inode])) as same:
                    same.shutdown(socket.SHUT_RDWR)

    def _watch(self) -> None:
        """Sees what is sent over those, by the methods that Python's own code sends with."""
        if not self._severed:
            return
        owners: list[type] = [socket.socket]
        if "ssl" in sys.modules:
            owners.append(sys.modules["ssl"].SSLSocket)
        for owner in owners:
            for name in (*_SENDS, *(["write"] if owner is not socket.socket else [])):
                self._watched.append((owner, name, owner.__dict__.get(name)))
                setattr(owner, name, _watching(getattr(owner, name)))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Told of everything that happens in this process, from now to its end; so what is not a socket's costs next to nothing."""
    blackout = _on
    if blackout is not None and event in _EVENTS and not getattr(_inside, "is_on", False):
        _inside.is_on = True
        try:
            blackout._attempted(event, arguments)  # noqa: SLF001 - the hook is a part of it
        finally:
            _inside.is_on = False


def _watching(usual: Callable[..., Any]) -> Callable[..., Any]:
    def watched(self: socket.socket, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the method it stands for
        blackout = _on
        if blackout is None or getattr(_inside, "is_on", False) or not blackout._sent(self):  # noqa: SLF001 - as above
            return usual(self, *arguments, **named)
        _inside.is_on = True  # one way to send may rest on another
        try:
            return usual(self, *arguments, **named)
        finally:
            _inside.is_on = False

    return watched


# -- addresses


def _parsed(endpoints: Iterable[str]) -> set[Address]:
    return {_endpoint(one) for one in ([endpoints] if isinstance(endpoints, str) else endpoints)}


def _endpoint(text: str) -> Address:
    if text.startswith(("/", "\0")):
        return (text, None)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if not host or "/" in text or (port and not (port.isascii() and port.isdigit())):
        raise UsageError(f"{text!r} is no endpoint: host, host:port, [address]:port or the path of a socket was expected")
    return (_plain(host), int(port) if port else None)


def _plain(host: str) -> str:
    """One way to write a host: names without case and the dot at the end, addresses as ipaddress does, IPv4 not dressed up as IPv6."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.rstrip(".").lower()
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_unspecified:  # connecting to it connects to this machine
        return "127.0.0.1" if mapped.version == 4 else "::1"
    return str(mapped)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.startswith(("/", "\0"))
    return True


def _is_among(host: str, port: int | None, endpoints: set[Address]) -> bool:
    """Whether an endpoint is one of these; a look-up without a port is of all ports of its host."""
    return any(host == one and (port is None or other is None or port == other) for one, other in endpoints)


def _addresses(endpoints: set[Address]) -> set[Address]:
    """The addresses of names, as far as they can be looked up."""
    found: set[Address] = set()
    for host, port in endpoints:
        if not _is_numeric(host):
            with suppress(OSError, UnicodeError):
                found |= {(_plain(str(each[4][0])), port) for each in socket.getaddrinfo(host, None)}
    return found


def _address_of(event: str, arguments: tuple[Any, ...]) -> Address | None:
    """What an event is about; None where that is nothing outside, or an address that was written down and has to be looked up nowhere."""
    if event in _BY_ADDRESS:
        address = arguments[1]
        if isinstance(address, (str, bytes)):
            return (os.fsdecode(address), None)
        if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], (str, bytes)):
            return None  # no address, or of a family that has no hosts, as netlink
        return (_plain(_text(address[0])), address[1])
    if event == "socket.getnameinfo":
        return (_plain(_text(arguments[0][0])), arguments[0][1])
    host = arguments[0]
    if not host or (event != "socket.gethostbyaddr" and _is_numeric(_text(host))):
        return None
    port = str(arguments[1] or "") if event == "socket.getaddrinfo" else ""
    return (_plain(_text(host)), int(port) if port.isdecimal() else None)


def _text(host: str | bytes | bytearray) -> str:
    return host if isinstance(host, str) else bytes(host).decode("ascii", "replace")


def _shown(address: Address) -> str:
    host, port = address
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


# -- the kernel's tables


def _sockets() -> dict[int, int]:
    """The sockets of this process, by inode, with a descriptor of each; none where there is no /proc."""
    found: dict[int, int] = {}
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                    found[os.fstat(int(name)).st_ino] = int(name)
    return found


def _connected(sockets: dict[int, int]) -> dict[int, Address]:
    """Those of them that are connected, or about to be, with the other end. Others connected to a port of ours: not those."""
    rows = [row for name in ("tcp", "tcp6", "udp", "udp6") for row in _table(name, sockets)]
    ours = {local for local, _, state, _ in rows if state == _LISTENING}
    return {inode: other for local, other, state, inode in rows if other[1] and state != _LISTENING and local not in ours}


def _unix_connected(sockets: dict[int, int]) -> dict[int, Address]:
    """Those that are connected to a Unix socket with a name; an end of a pair has none."""
    found: dict[int, Address] = {}
    for inode, number in sockets.items():
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as same:
            if same.family == socket.AF_UNIX and (path := os.fsdecode(same.getpeername())):
                found[inode] = (path, None)
    return found


def _table(name: str, sockets: dict[int, int]) -> Iterator[tuple[int, tuple[str, int], int, int]]:
    """Rows of a table of the kernel that are about these: local port, the other end, state, inode. Source: proc(5), /proc/net/tcp.

    The table is of all processes, and may be long.
    """
    inodes = {str(inode) for inode in sockets}
    with suppress(OSError), open(f"/proc/self/net/{name}", encoding="ascii") as file:
        for line in file:
            columns = line.split(maxsplit=10)
            if columns[9] in inodes:
                host, _, port = columns[2].partition(":")
                words = [int(host[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(host), 8)]
                other = _plain(str(ipaddress.ip_address(b"".join(words))))
                yield int(columns[1].rpartition(":")[2], 16), (other, int(port, 16)), int(columns[3], 16), int(columns[9])
