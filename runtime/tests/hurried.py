"""Threads that take turns as often as they can, so that what is not atomic shows."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def side_by_side(work: Callable[[], object], threads: int = 8) -> None:
    """Does the work in so many threads at once. Raises what one of them raised."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(work) for _ in range(threads)]:
                done.result()
    finally:
        sys.setswitchinterval(usual)
