"""An OpenFeature provider whose flags come out of a ``snapshot.Reader``: signed, tried, and there when their publisher is not.

    reader = Reader(Rules("shop", trusted, validate=flag_mistakes), DEFAULTS, Copies("/var/lib/shop/flags"))
    reader.start()
    api.set_provider(FlagProvider(reader))

Flags are in flagd's format and evaluated by flagd's own core (flagd.py beside this), so that files, targeting and shares of users stay
what they are. They are compiled when a document begins to run, on the thread that brought it, and put in place by one assignment. An
evaluation opens no socket, reads no file and waits for nobody but, for microseconds, another thread that evaluates: the core has a lock.
What the core logs when a request lacks what a rule asks for goes to the logger ``openfeature.contrib``, whose level is the program's.

Flags go on being evaluated in every state, the last ones that were good. What the states mean, and when they are told, says FlagProvider.
"""

from __future__ import annotations

import copy
import json
import threading
from typing import TYPE_CHECKING, TypeVar

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.provider import AbstractProvider, Metadata

from truetier_runtime.adapters.flagd import compiled, flag_mistakes, flags_of
from truetier_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from openfeature.evaluation_context import EvaluationContext
    from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType

    from truetier_runtime.examine import Snapshot
    from truetier_runtime.hooks import Fact
    from truetier_runtime.snapshot import Reader

    Objects = Sequence[FlagValueType] | Mapping[str, FlagValueType]

T = TypeVar("T")

SNAPSHOT_VERSION = "snapshotVersion"  # in the metadata of each answer: of the document it is from, 0 for the defaults
SNAPSHOT_AGE = "snapshotAge"  # seconds since the source last confirmed what runs


class _Flags:
    """What evaluates, and the document it was made of: replaced, never changed."""

    __slots__ = ("core", "snapshot", "text")

    def __init__(self, core: FlagdCore, snapshot: Snapshot, text: str) -> None:
        self.core = core
        self.snapshot = snapshot
        self.text = text


class FlagProvider(AbstractProvider):
    """The flags of a reader, for OpenFeature.

    CONFIGURATION_CHANGED names the flags that are others now, new or gone. STALE: what runs has expired, or the source has not confirmed
    it for ``stale_after`` seconds; READY when that is over. ERROR: what runs holds flags that cannot be evaluated, which rules with
    ``flag_mistakes`` never let happen. Each is found out when the reader is told something, as at every poll.
    Raises UsageError where the flags that run already cannot be evaluated.
    """

    def __init__(self, reader: Reader, *, stale_after: float = 300.0) -> None:
        super().__init__()
        self._reader = reader
        self._stale_after = stale_after
        self._lock = threading.Lock()  # one document at a time is compiled; nobody who evaluates takes it
        self._state, self._why = ProviderEvent.PROVIDER_READY, ""
        self._end_watch: Callable[[], None] | None = None
        self._seen: Snapshot | None = None
        self._wrong: list[str] = []  # with the flags of what was seen
        self._flags = _Flags(FlagdCore(), reader.running, "{}")
        self._take(reader.running)
        if self._wrong:
            raise UsageError("; ".join(self._wrong))

    def get_metadata(self) -> Metadata:
        """The name of this provider."""
        return Metadata("truetier")

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002 - of the interface
        """Follows the reader from now on. Waits for nothing: what runs is there."""
        if self._end_watch is None:
            self._end_watch = self._reader.watch(self._follow)
        with self._lock:
            self._state = ProviderEvent.PROVIDER_READY  # what OpenFeature makes of it after this
            self._take(self._reader.running)

    def shutdown(self) -> None:
        """Follows the reader no more."""
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - of the interface
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """What the flag says. Raises what flagd's core raises, here and below: OpenFeature's clients give the default then."""
        flags = self._flags
        return self._placed(flags, flags.core.resolve_boolean_value(flag_key, default_value, evaluation_context))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The same of a text."""
        flags = self._flags
        return self._placed(flags, flags.core.resolve_string_value(flag_key, default_value, evaluation_context))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """The same of a whole number."""
        flags = self._flags
        return self._placed(flags, flags.core.resolve_integer_value(flag_key, default_value, evaluation_context))

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """The same of any number."""
        flags = self._flags
        return self._placed(flags, flags.core.resolve_float_value(flag_key, default_value, evaluation_context))

    def resolve_object_details(
        self, flag_key: str, default_value: Objects, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Objects]:
        """The same of an object or a list, of which each caller gets one of its own."""
        flags = self._flags
        details = flags.core.resolve_object_value(flag_key, default_value, evaluation_context)
        details.value = copy.deepcopy(details.value)
        return self._placed(flags, details)

    def _placed(self, flags: _Flags, details: FlagResolutionDetails[T]) -> FlagResolutionDetails[T]:
        details.flag_metadata = {**details.flag_metadata, SNAPSHOT_VERSION: flags.snapshot.version, SNAPSHOT_AGE: self._reader.age}
        return details

    def _follow(self, fact: Fact) -> None:  # noqa: ARG002 - whatever it is: facts of several threads may come in any order
        with self._lock:
            changed = self._take(self._reader.running)
            version = self._flags.snapshot.version
            state, why = self._judged()
            is_other, self._state, self._why = state is not self._state, state, why
        if changed:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed, metadata={SNAPSHOT_VERSION: version}))
        while is_other:
            code = ErrorCode.PARSE_ERROR if state is ProviderEvent.PROVIDER_ERROR else None
            self.emit(state, ProviderEventDetails(message=why, error_code=code))
            with self._lock:  # another thread may have told what came after this before it: what is told last has to be what is
                is_other, state, why = self._state is not state, self._state, self._why

    def _take(self, running: Snapshot) -> list[str]:
        """The flags that are others than before."""
        if running is self._seen:
            return []
        self._seen = running
        text = flags_of(running.values)
        self._wrong = flag_mistakes(json.loads(text))
        if self._wrong:
            return []
        core, changed = compiled(text, self._flags.text)
        self._flags = _Flags(core, running, text)
        return changed

    def _judged(self) -> tuple[ProviderEvent, str]:
        if self._wrong:
            return ProviderEvent.PROVIDER_ERROR, "; ".join(self._wrong)
        if self._reader.is_expired:
            return ProviderEvent.PROVIDER_STALE, f"version {self._reader.version} has expired"
        if self._reader.age > self._stale_after:
            return ProviderEvent.PROVIDER_STALE, f"the source has not confirmed version {self._reader.version} for {self._reader.age:.0f} s"
        return ProviderEvent.PROVIDER_READY, ""
