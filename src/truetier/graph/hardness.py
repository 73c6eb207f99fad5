"""How each need really counts: hard, soft, group or async, in a trusting or a verified reading.

A mitigation counts only when it can work: soft needs a fallback and attempts that end before the caller's own
budget does; members that are tried in turn must fit in it together. Source: design section 3, Effective hardness.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from truetier.catalog.listed import ListedNeeds
from truetier.catalog.model import Hardness, Mode
from truetier.catalog.source import TELEMETRY
from truetier.record import NamedTuple, maker
from truetier.units import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from truetier.catalog.model import Need, Service
    from truetier.units import Share


class Reading(Enum):
    """Take declarations as they are, or drop every mitigation nobody has verified."""

    TRUSTING = "declared"
    VERIFIED = "verified"


class Kind(Enum):
    """What the caller loses when the callee is down."""

    HARD = "hard"
    SOFT = "soft"
    GROUP = "group"
    ASYNC = "async"


class Weakness(Enum):
    """Why a declared mitigation does not count."""

    NO_FALLBACK = "no fallback"
    NO_TIMEOUT = "no timeout"
    SLOW = "timeout not below the caller's budget"
    MIXED = "some members have a timeout and some have none"
    UNKNOWN = "hardness unknown"


class Use(NamedTuple):
    """One need as it counts in one reading. ``number`` is its place among all needs of the caller.

    ``required`` is the k of a group that counts; a hard group needs all its members.
    """

    caller: str
    endpoint: str | None
    number: int
    need: Need
    kind: Kind
    required: int
    share: Share
    weakness: Weakness | None = None

    @property
    def is_mitigated(self) -> bool:
        """Whether the caller can serve some request while a callee of this need is down."""
        return (
            self.kind in (Kind.SOFT, Kind.ASYNC)
            or (self.kind is Kind.GROUP and self.required < len(self.need.targets))
            or self.share != WHOLE
        )

    @property
    def is_hard(self) -> bool:
        """Whether some request of the caller fails when one callee of this need fails."""
        return self.kind is Kind.HARD or (self.kind is Kind.GROUP and self.required == len(self.need.targets))

    @property
    def asked(self) -> tuple[str, ...]:
        """The services that decide whether the need is met: of an async need its broker alone, a stand-in only where it counts."""
        need = self.need
        found = () if self.kind is Kind.ASYNC else tuple([target.service for target in need.targets])
        if self.kind is Kind.SOFT and need.fallback is not None and need.fallback.service is not None:
            found += (need.fallback.service,)
        return found if need.broker is None else (*found, need.broker)

    @property
    def subject(self) -> str:
        """``caller -> callee`` as findings and waivers write it."""
        return f"{self.caller} -> {self.need}"


_USE = maker(Use)


def asked_by(service: Service) -> Sequence[str]:
    """Whom a service asks whose needs are listed, in order."""
    return service.needs.services if isinstance(service.needs, ListedNeeds) else ()


def is_unverified_claim(use: Use, as_of: date) -> bool:
    """Whether the use rests on a mitigation that nobody has shown to work."""
    return use.is_mitigated and not (use.need.verified is not None and use.need.verified.holds(as_of))


def use_of(caller: str, endpoint: str | None, index: int, need: Need, budget: timedelta | None) -> Use:
    """The need as it counts when declarations are believed; ``budget`` is how long its caller has for one request."""
    if not need.at_serve:
        budget = None  # it is the time one request may take, and who starts serves none yet
    kind, required, weakness = _group(need, budget) if need.is_group else _plain(need, budget)
    made: Use = _USE((caller, endpoint, index, need, kind, required, need.share, weakness))
    return made


def _plain(need: Need, budget: timedelta | None) -> tuple[Kind, int, Weakness | None]:
    if need.mode is Mode.ASYNC:
        return Kind.ASYNC, 1, None
    if need.hardness is Hardness.UNKNOWN:
        return Kind.HARD, 1, Weakness.UNKNOWN
    if need.hardness is Hardness.SOFT and need.fallback is not None and need.evidence.source == TELEMETRY:
        return Kind.SOFT, 1, None  # the caller was seen to survive, however it does so
    if need.hardness is not Hardness.SOFT and need.fallback is None:
        return Kind.HARD, 1, None
    patience = need.targets[0].patience
    if need.fallback is None:
        return Kind.HARD, 1, Weakness.NO_FALLBACK
    if patience is None:
        return Kind.HARD, 1, Weakness.NO_TIMEOUT
    if budget is not None and patience >= budget:
        return Kind.HARD, 1, Weakness.SLOW
    return Kind.SOFT, 1, None


def _group(need: Need, budget: timedelta | None) -> tuple[Kind, int, Weakness | None]:
    patiences = [target.patience for target in need.targets]
    finite = [patience for patience in patiences if patience is not None]
    everyone = len(need.targets)
    if finite and len(finite) < everyone:
        return Kind.GROUP, everyone, Weakness.MIXED
    if finite and budget is not None and sum(finite, timedelta()) >= budget:
        return Kind.GROUP, everyone, Weakness.SLOW
    return Kind.GROUP, need.required, None


def verified(use: Use, as_of: date) -> Use:
    """The same need without its mitigation where nobody has shown that to work."""
    if not is_unverified_claim(use, as_of):
        return use
    if use.kind is Kind.GROUP:
        return use._replace(required=len(use.need.targets), share=WHOLE)
    return use._replace(kind=Kind.HARD, share=WHOLE)
