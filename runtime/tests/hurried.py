"""Threads that take turns as often as they can, so that what is not atomic shows."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def side_by_side(work: Callable[[], object], threads: int = 8) -> None:
    """Does the work in so many threads at once. Raises what one of them raised."""
    usual = sys.getswitchinterval()
    # Not before all have started: Python 3.11 lets no two threads that begin at once be traced, as they are for coverage.
    begin = Barrier(threads, lambda: sys.setswitchinterval(1e-5))

    def begun() -> None:
        begin.wait(60)
        work()

    try:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(begun) for _ in range(threads)]:
                done.result()
    finally:
        sys.setswitchinterval(usual)
