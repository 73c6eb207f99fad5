"""Configuration that outlives whoever publishes it: the last known good document, read at the price of a dictionary.

A reader is offered documents, by a poller or by hand. What stands examine.py runs at once and is then copied to disk; what does not is told
to the hooks, and what ran goes on running. Nothing in here waits for anybody, and nothing that happens to the source, the clock or the
disk takes away what runs.

Theory: ``values`` is the only thing that the hot path touches. It is replaced, never changed, by one assignment, which is atomic; so a read
takes no lock and sees one document as a whole. Who needs the version that belongs to the values reads ``running`` once. The order
is swap first, disk afterwards: a copy on disk has run, and a disk that is full does not keep an emergency change from running.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from truetier_runtime.errors import DocumentRefusedError
from truetier_runtime.examine import defaults_of, examined, recalled, vouched_for
from truetier_runtime.hooks import (
    ACTIVATED,
    COPY_REFUSED,
    DEFAULTS_USED,
    NOT_STORED,
    SNAPSHOT_AGE,
    SNAPSHOT_EXPIRED,
    SNAPSHOT_REFUSED,
    SOURCE_DOWN,
    SOURCE_UP,
    Fact,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from truetier_runtime.copies import Copies
    from truetier_runtime.errors import Mistake
    from truetier_runtime.examine import Rules, Snapshot
    from truetier_runtime.hooks import Hook


T = TypeVar("T")


class Clocks:
    """``wall`` gives seconds since 1970, for expiry; ``monotonic`` seconds that never jump, for ages and for facts."""

    __slots__ = ("monotonic", "wall")

    def __init__(self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wall = wall
        self.monotonic = monotonic


class Reader:
    """The configuration of one scope, as good as it was ever known.

    ``values`` is what to read, in the hot path as anywhere: attribute and key, no call. ``running`` is the same with its header.
    ``defaults`` run until there is something better. ``copies`` are None where nothing is to be written to disk. A version that ran for
    ``proven_after`` seconds is marked as proven. Raises UsageError where the defaults break the rules.
    """

    __slots__ = (
        "_activated_at",
        "_clocks",
        "_confirmed_at",
        "_copies",
        "_held",
        "_hooks",
        "_is_down",
        "_lock",
        "_proven",
        "_told_expired",
        "proven_after",
        "rules",
        "running",
        "values",
    )

    def __init__(
        self,
        rules: Rules,
        defaults: Mapping[str, Any],
        copies: Copies | None = None,
        *,
        hooks: tuple[Hook, ...] = (),
        clocks: Clocks | None = None,
    ) -> None:
        self.rules = rules
        self.running = defaults_of(defaults, rules)
        self.values = self.running.values
        self.proven_after = 600.0
        self._copies = copies
        self._hooks = hooks
        self._clocks = clocks or Clocks()
        self._lock = threading.Lock()  # held for assignments only
        self._activated_at = self._confirmed_at = self._clocks.monotonic()
        self._held = 0
        self._proven = self._told_expired = 0  # versions
        self._is_down = False

    @property
    def scope(self) -> str:
        """Whom the documents are meant for."""
        return self.rules.scope

    @property
    def max_bytes(self) -> int:
        """The longest document that is taken."""
        return self.rules.limits.max_bytes

    @property
    def version(self) -> int:
        """Of what runs; 0 for the defaults."""
        return self.running.version

    @property
    def age(self) -> float:
        """Seconds since the source last said that what runs is the newest; since the start if it has not yet."""
        return self._clocks.monotonic() - self._confirmed_at

    @property
    def is_down(self) -> bool:
        """Whether the source failed when it was last asked."""
        return self._is_down

    @property
    def is_expired(self) -> bool:
        """Whether nobody should begin any more with what runs. It goes on running."""
        return self.running.is_expired(self._clocks.wall())

    def watch(self, hook: Hook) -> Callable[[], None]:
        """Tells another hook from now on. What it gives ends that."""
        with self._lock:
            self._hooks = (*self._hooks, hook)

        def end() -> None:
            with self._lock:
                self._hooks = tuple(each for each in self._hooks if each is not hook)

        return end

    def start(self, *, proven_only: bool = False) -> None:
        """Runs the newest copy on disk that is valid, the defaults if there is none. Never raises for what is on disk.

        With ``proven_only`` only versions that ran for long are considered, and newer ones that are on disk are not taken from the
        source either: what a supervisor asks for when the program did not survive its last starts.
        """
        if self._copies is not None:
            self._recall(self._copies, proven_only=proven_only)
        if self.running.header is None:
            self._tell(DEFAULTS_USED)
        else:
            self._tell(ACTIVATED, self.version)
        self.check()

    def offer(self, document: bytes) -> tuple[Mistake, ...]:
        """Takes a document if it is good. What is wrong with it otherwise; nothing if it runs now, or ran already."""
        while True:
            before = self.running
            try:
                snapshot = examined(document, self.rules, before, self._clocks.wall(), held=self._held)
            except DocumentRefusedError as error:
                self._tell(SNAPSHOT_REFUSED, str(error))
                return error.mistakes
            if snapshot is None or self._swap(before, snapshot):
                break
        self.confirm()
        if snapshot is not None:
            # Told before the disk is asked: what is made of the values by a hook is not to wait for a disk that hangs.
            self._tell(ACTIVATED, snapshot.version)
            self._is_stored(snapshot)
        return ()

    def confirm(self) -> None:
        """Says that what runs is still the newest."""
        self._confirmed_at = self._clocks.monotonic()

    def answered(self) -> None:
        """Says that the source answered, whatever it said."""
        if self._is_down:
            self._is_down = False
            self._tell(SOURCE_UP)

    def unanswered(self, why: str) -> None:
        """Says that the source did not answer. Told each time: how often it failed is worth knowing."""
        self._is_down = True
        self._tell(SOURCE_DOWN, why)

    def check(self) -> None:
        """Does what time asks for, at each poll: tells the age; alarms when what runs has expired, once a version; sees to it that the copy
        on disk is there and whole, and marked once it ran for long.
        """
        running = self.running
        self._tell(SNAPSHOT_AGE, self.age)
        if self.is_expired and self._told_expired != running.version:
            self._told_expired = running.version
            self._tell(SNAPSHOT_EXPIRED, running.version)
        is_proven = self._clocks.monotonic() - self._activated_at >= self.proven_after
        if self._is_stored(running) and self._copies is not None and is_proven and self._proven != running.version:
            try:
                self._copies.prove(running.version)
            except OSError as error:
                self._tell(NOT_STORED, f"the mark of version {running.version}: {error}")
            else:
                self._proven = running.version

    def _recall(self, copies: Copies, *, proven_only: bool) -> None:
        try:
            versions, candidates = copies.versions(), copies.versions(proven_only=proven_only)
        except OSError as error:
            self._tell(COPY_REFUSED, f"the folder cannot be read: {error}")
            return
        for version in candidates:
            before = self.running
            if version <= before.version:  # started again, or late: what runs is as good
                break
            snapshot = self._good_copy(copies, version, recalled)
            if snapshot is not None and self._swap(before, snapshot):
                break
        if proven_only:
            # What is set aside is verified, or a file with a large number for a name would set everything aside; it is not tried.
            newer = [version for version in versions if version > self.version]
            self._held = next((version for version in newer if self._good_copy(copies, version, vouched_for)), 0)

    def _good_copy(self, copies: Copies, version: int, check: Callable[[bytes, Rules, int], T]) -> T | None:
        """What a check makes of a copy on disk; None, and a fact told, when it does not like it."""
        try:
            document = copies.read(version, self.rules.limits.max_bytes + 1)
            found = check(document, self.rules, version)
        except (OSError, DocumentRefusedError) as error:
            self._tell(COPY_REFUSED, f"version {version}: {error}")
            return None
        return found

    def _swap(self, before: Snapshot, after: Snapshot) -> bool:
        """Whether nobody else was faster."""
        with self._lock:
            if self.running is not before:
                return False
            self._activated_at = self._clocks.monotonic()
            self.running = after
            self.values = after.values
        return True

    def _is_stored(self, running: Snapshot) -> bool:
        """Whether there is a copy on disk, after one was written if there was none or another one: somebody may have tidied up.

        What failed is tried again at the next check, at its fixed pace.
        """
        if self._copies is None or running.header is None:
            return False
        try:
            if self._copies.read(running.version, len(running.document) + 1) == running.document:
                return True
        except OSError:
            pass  # it is written now
        try:
            self._copies.write(running.version, running.document)
        except OSError as error:
            self._tell(NOT_STORED, f"version {running.version}: {error}")
            return False
        return True

    def _tell(self, kind: str, detail: str | float = "") -> None:
        tell(self._hooks, Fact(kind, self.rules.scope, self._clocks.monotonic(), detail))
