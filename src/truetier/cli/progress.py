"""Says how far the work is, when a person waits for more than a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from threading import Event, Thread
    from types import TracebackType
    from typing import TextIO

_QUIET_SECONDS = 1.0
_REFRESH_SECONDS = 0.2


class Progress:
    """A line that appears after a second, follows the work and leaves no trace; silent where the stream is no terminal."""

    def __init__(self, phase: str, stream: TextIO) -> None:
        self._stream = stream
        self._phase = phase
        self._done = 0
        self._total = 0
        self._stop: Event | None = None
        self._thread: Thread | None = None

    def __call__(self, done: int, total: int) -> None:
        """Notes how many of how many are done; costs nothing worth counting."""
        self._done = done
        self._total = total

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from threading import Event, Thread

            self._stop = Event()
            self._thread = Thread(target=self._draw, args=(self._stop,), daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stop is not None and self._thread is not None:
            self._stop.set()
            self._thread.join()

    def _draw(self, stop: Event) -> None:
        if stop.wait(_QUIET_SECONDS):
            return
        while True:
            self._stream.write(f"\r\x1b[K{self.line()}")
            self._stream.flush()
            if stop.wait(_REFRESH_SECONDS):
                break
        self._stream.write("\r\x1b[K")
        self._stream.flush()

    def line(self) -> str:
        """What the line says now."""
        return f"{self._phase}: {self._done:,} of {self._total:,}" if self._total else f"{self._phase} ..."
