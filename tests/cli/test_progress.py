"""Progress is for a person who waits, and leaves no trace."""

from __future__ import annotations

import io
from threading import Event

from truetier.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stop(Event):
    """Says how often the drawing may go on before the work is done, without letting time pass."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.rounds -= 1
        return self.rounds < 0


def test_nothing_is_said_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with Progress("computing", stream) as shown:
        shown(1, 2)
        assert shown._thread is None
    assert stream.getvalue() == ""


def test_quick_work_says_nothing() -> None:
    terminal = Terminal()
    with Progress("computing", terminal) as shown:
        shown(1, 2)
    assert terminal.getvalue() == ""


def test_slow_work_says_how_far_it_is_and_wipes_the_line() -> None:
    terminal = Terminal()
    shown = Progress("computing", terminal)
    shown(1500, 20_000)
    shown._draw(Stop(2))
    assert terminal.getvalue() == 2 * "\r\x1b[Kcomputing: 1,500 of 20,000" + "\r\x1b[K"


def test_before_the_amount_of_work_is_known_only_the_phase_is_said() -> None:
    assert Progress("computing", Terminal()).line() == "computing ..."
