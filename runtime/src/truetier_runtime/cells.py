"""Which cell serves whom, so that what breaks one cell breaks no other.

A router needs no table and no coordination: every cell has a score for every customer, the highest scores win (rendezvous hashing), and
everybody who knows the names of the cells computes the same. When a cell goes, its customers alone move; when one comes, only those move
that it wins. The k best make a customer's shard (shuffle sharding): two customers rarely have the same one.

A poison pill is a request that kills who works on it. Retried elsewhere it would go through all cells, so a request is known by a
fingerprint: what was under way when a worker crashed is suspect and may go nowhere but where it was; what was under way in n crashes is
fenced. Who merely was nearby is cleared by ending well once. Where this is remembered has to outlive the workers: in the router or
whoever watches over them, not in them.

Source: Thaler and Ravishankar, A Name-Based Mapping Scheme for Rendezvous, 1996; Amazon Builders' Library, Workload isolation using
shuffle-sharding, MacCarthaigh, 2019; AWS Well-Architected, Reducing the Scope of Impact with Cell-Based Architecture.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING

from truetier_runtime.errors import FencedError, OverloadedError, SettingsError
from truetier_runtime.hooks import FENCED, Fact, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from truetier_runtime.hooks import Hook


class Overflow(Enum):
    """What to do with a customer whose cell is full."""

    REFUSE = "nothing: the load of one cell never becomes that of another"
    NEIGHBOUR = "the next cell of the customer's own shard, none beyond it"


def score(customer: str, cell: str) -> int:
    """How much a cell suits a customer: even, and the same on every machine and in every version of Python.

    The customer is the key of the hash, the cell its text, so that no two pairs are hashed as the same bytes.
    """
    # The key may have 64 bytes at most; a customer's name any number.
    key = blake2b(customer.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return int.from_bytes(blake2b(cell.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest(), "big")


def best(customer: str, cells: Iterable[str], count: int) -> tuple[str, ...]:
    """The ``count`` cells that suit a customer most, the best first."""
    return tuple(sorted(cells, key=lambda cell: (-score(customer, cell), cell))[:count])


class Router:
    """The cells, and how many of them, ``shard``, a customer may ever meet. Nothing of it changes: when cells do, make another one."""

    __slots__ = ("_overflow", "_quarantine", "_shard", "cells")

    def __init__(
        self, cells: Iterable[str], *, shard: int = 1, overflow: Overflow = Overflow.REFUSE, quarantine: Quarantine | None = None
    ) -> None:
        self.cells = tuple(cells)
        if len(set(self.cells)) < len(self.cells):
            raise SettingsError(f"each cell has to have a name of its own, found {', '.join(self.cells)}")
        if not 1 <= shard <= len(self.cells):
            raise SettingsError(f"a shard has between 1 and all {len(self.cells)} cells, found {shard}")
        self._shard = shard
        self._overflow = overflow
        self._quarantine = quarantine

    def shard_of(self, customer: str) -> tuple[str, ...]:
        """The cells that a customer may meet, home first."""
        return best(customer, self.cells, self._shard)

    def route(self, customer: str, *, is_full: Callable[[str], bool], fingerprint: str | None = None) -> str:
        """The cell for a request. Raises OverloadedError where all it may go to are full, FencedError where it may go nowhere."""
        shard = self.shard_of(customer)
        if fingerprint is not None and self._quarantine:
            held = self._quarantine.held_in(fingerprint)
            if held:
                # Full or gone, it goes nowhere else.
                shard = (held,)
        allowed = shard if self._overflow is Overflow.NEIGHBOUR else shard[:1]
        for cell in allowed:
            if cell in self.cells and not is_full(cell):
                return cell
        raise OverloadedError(f"no cell of {customer} has room: {', '.join(allowed)}")


class _Suspect:
    """A fingerprint that was under way in a crash; ``until`` is when that is forgotten, in seconds."""

    __slots__ = ("cell", "crashes", "until")

    def __init__(self, cell: str, until: float) -> None:
        self.cell = cell
        self.crashes = 0
        self.until = until


class Quarantine:
    """Remembers which requests were under way when workers crashed. Threads may share one; exact under one lock.

    A request is fenced after ``crashes``. Suspicion and fence are forgotten ``memory`` seconds after the last crash. ``most`` suspects are
    remembered; beyond it the one that was suspected longest ago is forgotten. ``hooks`` are told of each request that is fenced.
    """

    __slots__ = ("_clock", "_crashes", "_hooks", "_lock", "_memory", "_most", "_suspects", "_under_way")

    def __init__(
        self,
        *,
        crashes: int = 2,
        memory: float = 3600.0,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        hooks: tuple[Hook, ...] = (),
    ) -> None:
        if crashes < 1 or not memory > 0.0 or most < 1:
            raise SettingsError(f"crashes >= 1, memory > 0 and most >= 1 are needed, found {crashes}, {memory} and {most}")
        self._crashes = crashes
        self._hooks = hooks
        self._memory = memory
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._suspects: OrderedDict[str, _Suspect] = OrderedDict()
        # By worker, which is a cell and a name in it: the same fingerprint may be under way in it more than once.
        self._under_way: dict[tuple[str, str], Counter[str]] = {}

    def held_in(self, fingerprint: str) -> str | None:
        """The only cell that a suspect may go to, None for who is not suspect. Raises FencedError for who may go nowhere."""
        now = self._clock()
        with self._lock:
            return self._held_in(fingerprint, now)

    def begin(self, fingerprint: str, cell: str, worker: str) -> None:
        """Work on a request begins. Raises FencedError where it must not: fenced, or suspect and from another cell."""
        now = self._clock()
        with self._lock:
            held = self._held_in(fingerprint, now)
            if held not in {None, cell}:
                raise FencedError(f"request {fingerprint} was under way when a worker of {held} crashed and may not visit {cell}")
            self._under_way.setdefault((cell, worker), Counter())[fingerprint] += 1

    def end(self, fingerprint: str, cell: str, worker: str) -> None:
        """Work on a request came to an end and the worker lives: it is suspect no more. An end that comes after the crash is no news."""
        with self._lock:
            under_way = self._under_way.get((cell, worker))
            if not under_way or not under_way[fingerprint]:
                return
            under_way[fingerprint] -= 1
            if not under_way[fingerprint]:
                del under_way[fingerprint]
            if not under_way:
                del self._under_way[cell, worker]
            suspect = self._suspects.get(fingerprint)
            if suspect and suspect.crashes < self._crashes:
                del self._suspects[fingerprint]

    def crashed(self, cell: str, worker: str) -> tuple[str, ...]:
        """A worker died. The fingerprints that are fenced from now on because of it, sorted."""
        now = self._clock()
        fenced = []
        with self._lock:
            for fingerprint in self._under_way.pop((cell, worker), ()):
                suspect = self._suspects.get(fingerprint)
                if suspect is None or suspect.until <= now:
                    suspect = self._suspects[fingerprint] = _Suspect(cell, now + self._memory)
                suspect.crashes += 1
                suspect.until = now + self._memory
                self._suspects.move_to_end(fingerprint)
                if suspect.crashes == self._crashes:
                    fenced.append(fingerprint)
            while len(self._suspects) > self._most:
                self._suspects.popitem(last=False)
        for fingerprint in sorted(fenced):
            tell(self._hooks, Fact(FENCED, fingerprint, now, cell))
        return tuple(sorted(fenced))

    def pardon(self, fingerprint: str) -> None:
        """Somebody looked into it: let it in again."""
        with self._lock:
            self._suspects.pop(fingerprint, None)

    def _held_in(self, fingerprint: str, now: float) -> str | None:
        """Locked."""
        suspect = self._suspects.get(fingerprint)
        if suspect is None:
            return None
        if suspect.until <= now:
            del self._suspects[fingerprint]
            return None
        if suspect.crashes >= self._crashes:
            raise FencedError(f"request {fingerprint} was under way in {suspect.crashes} crashes of workers", suspect.until - now)
        return suspect.cell


def share_in_one_cell(cells: int) -> float:
    """The expected share of customers in one cell: who sees a pill that stays in the cell of who sent it."""
    _check_shard(1, cells)
    return 1.0 / cells


def share_with_overlap(workers: int, shard: int, overlap: int) -> float:
    """The share of customers whose shard has exactly ``overlap`` workers in common with a given one.

    C(k, j) C(n - k, k - j) / C(n, k): hypergeometric, since every set of k of n is as likely as any other.
    """
    _check_shard(shard, workers)
    if not max(0, 2 * shard - workers) <= overlap <= shard:
        return 0.0
    return math.comb(shard, overlap) * math.comb(workers - shard, shard - overlap) / math.comb(workers, shard)


def share_left_without(workers: int, shard: int) -> float:
    """The share of customers who lose every worker of theirs when a pill kills a whole shard: 1 / C(n, k).

    Those who lose some retry within their shard and are served; ``share_touched`` counts them too.
    """
    return share_with_overlap(workers, shard, shard)


def share_touched(workers: int, shard: int) -> float:
    """The share of customers with at least one worker in common with a given shard: 1 - C(n - k, k) / C(n, k)."""
    return 1.0 - share_with_overlap(workers, shard, 0)


def _check_shard(shard: int, workers: int) -> None:
    if not 1 <= shard <= workers:
        raise SettingsError(f"a shard has between 1 and all {workers} workers, found {shard}")
