"""Connections of thousands of agents in one process: one each, one request at a time, on epoll, without tasks or futures.

A task, a future and a transport for each request cost several times what the request itself does; the load process has to be the cheap
side. On loopback a connection is there, or refused, as soon as it is asked for; that is looked at first.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from typing import Protocol

# An abandoned connection is reset: one that is closed in order leaves its port unusable for a minute, and there are 28,000.
_RESET = struct.pack("ii", 1, 0)
_UNDER_WAY = {0, errno.EINPROGRESS}
_HEAD_END = b"\r\n\r\n"
_MOST_BYTES = 65536


class Answer:
    """One answer. ``retry_after`` is in seconds, 0 where none was asked for."""

    __slots__ = ("body", "retry_after", "status")

    def __init__(self, status: int, retry_after: float, body: bytes) -> None:
        self.status = status
        self.retry_after = retry_after
        self.body = body


def parsed(data: bytes) -> Answer | None:
    """The answer once all of it is there. Our own server's: it always says how long it is."""
    head_end = data.find(_HEAD_END)
    if head_end < 0:
        return None
    head, body = data[:head_end].lower() + b"\r\n", data[head_end + len(_HEAD_END) :]
    if len(body) < _number(head, b"content-length"):
        return None
    return Answer(int(head[9:12]), _number(head, b"retry-after"), body)


def _number(head: bytes, name: bytes) -> int:
    begin = head.find(b"\r\n" + name + b": ")
    if begin < 0:
        return 0
    begin += len(name) + 4
    return int(head[begin : head.index(b"\r\n", begin)])


class Owner(Protocol):
    """Whoever has a connection."""

    def answered(self, answer: Answer) -> None:
        """All of an answer is there."""

    def lost(self) -> None:
        """The connection is gone, or was refused."""


class Connection:
    """One connection. ``request`` is what could not be sent yet."""

    __slots__ = ("data", "owner", "request", "socket")

    def __init__(self, owner: Owner, made: socket.socket) -> None:
        self.owner = owner
        self.socket = made
        self.request = b""
        self.data = b""


class Wires:
    """All connections to one port. ``peak`` is how many there were at once at most, ``made`` how many in all, since it was counted anew."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._epoll = select.epoll()
        self._by_number: dict[int, Connection] = {}
        self.peak = self.made = 0

    def opened(self, owner: Owner) -> Connection | None:
        """A connection that is there or on its way; None where it was refused."""
        made = socket.socket()
        made.setblocking(False)  # noqa: FBT003 - the library's
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        error = made.connect_ex(self._address)
        if error not in _UNDER_WAY or made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            made.close()
            return None
        connection = Connection(owner, made)
        self._by_number[made.fileno()] = connection
        self._epoll.register(made.fileno(), select.EPOLLIN)
        self.made += 1
        self.peak = max(self.peak, len(self._by_number))
        return connection

    def count_anew(self) -> None:
        """Forgets what was counted; connections stay."""
        self.peak = self.made = 0

    def send(self, connection: Connection, request: bytes) -> None:
        """Sends it as soon as the connection is there."""
        connection.data = b""
        try:
            connection.socket.send(request)
        except (BlockingIOError, OSError) as error:
            if error.errno not in {errno.EAGAIN, errno.ENOTCONN}:
                return  # it is lost: the next poll says so
            connection.request = request
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def close(self, connection: Connection) -> None:
        """Ends it from this side; its owner is not told."""
        number = connection.socket.fileno()
        if self._by_number.pop(number, None):
            connection.socket.close()

    def poll(self, seconds: float) -> None:
        """Waits for at most so long, and tells owners what happened."""
        for number, event in self._epoll.poll(max(0.0, seconds)):
            connection = self._by_number.get(number)
            if connection:
                self._happened(connection, event)

    def close_all(self) -> None:
        """Ends everything."""
        for connection in list(self._by_number.values()):
            self.close(connection)
        self._epoll.close()

    def _happened(self, connection: Connection, event: int) -> None:
        if event & select.EPOLLOUT and not event & (select.EPOLLERR | select.EPOLLHUP):
            request, connection.request = connection.request, b""
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)
            self.send(connection, request)
        if event & ~select.EPOLLOUT:
            try:
                data = connection.socket.recv(_MOST_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close(connection)
                connection.owner.lost()
                return
            connection.data += data
            answer = parsed(connection.data)
            if answer:
                connection.data = b""
                connection.owner.answered(answer)
