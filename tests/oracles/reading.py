"""What every need and placement asks for while requests are served, read from the text and nothing else.

The second, independent reading of design section 3 (Effective hardness, Two readings, Copies): it shares no code with
``truetier.graph``. Where the text leaves room, this is what was understood:

- *Sum of a group's timeouts*: each member counts with all its attempts and pauses, attempts x timeout +
  (attempts - 1) x backoff, as a single soft need does.
- *Budget unknown* holds for groups as for soft needs: any finite sum fits.
- *Default budget*: the smallest single timeout (not the patience) among sync needs that include the serve phase and
  whose callee or group member is the service; being named as stand-in or broker does not count. It is the same in both readings.
- *A group that does not count* needs all members for ``full`` too.
- *Verified, async*: the callee and the broker are both needed. One verification of a need covers the whole need.
- *Verified, placement*: unverified copies are all needed, also those beside a calling copy; a standby counts when the placement or
  the failover is verified. Copies keep their own events and common cause in both readings.
- *Soft* with ``hardness: hard`` beside a fallback, or seen only by observation without a class, is hard.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truetier.catalog.evidence import Kind
from truetier.catalog.model import FallbackKind, Hardness, Mode, Phase, PlacementMode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from truetier.catalog.evidence import Verification
    from truetier.catalog.model import Fallback, Fleet, Need, Placement, Service

COMMON = ""  # stands for the needs every endpoint shares


class Reading(Enum):
    """Whether declarations are believed as they are, or only where a test has shown them."""

    TRUSTING = "trusting"
    VERIFIED = "verified"


class NeedKey(NamedTuple):
    """Which need of the fleet: service, endpoint (or ``COMMON``), position in its list."""

    service: str
    endpoint: str
    position: int


class Ask(NamedTuple):
    """What one serve need asks: enough callees (none when ``required`` is 0), or its fallback, and its broker."""

    key: NeedKey
    callees: tuple[str, ...]
    required: int
    fallback: Fallback | None
    broker: str | None
    draw: NeedKey | str | None  # the request draw it hangs on: its own, or a named condition


class Facts(NamedTuple):
    """What one reading of the fleet starts from."""

    fleet: Fleet
    reading: Reading
    as_of: date
    budgets: dict[str, timedelta]

    def counts(self, verification: Verification | None) -> bool:
        """Whether a claim with that verification is believed."""
        if self.reading is Reading.TRUSTING:
            return True
        return (
            verification is not None and verification.on <= self.as_of and (verification.until is None or verification.until >= self.as_of)
        )


class View(NamedTuple):
    """The fleet under one reading: what each service asks while it serves, and where it runs."""

    fleet: Fleet
    asks: dict[str, tuple[Ask, ...]]
    sites: dict[str, Site]


def view(fleet: Fleet, reading: Reading, as_of: date) -> View:
    """The fleet as that reading sees it."""
    seen = Facts(fleet, reading, as_of, _budgets(fleet))
    services = fleet.services.values()
    return View(fleet, {each.name: _asks_of(seen, each) for each in services}, {each.name: _site_of(seen, each) for each in services})


def _budgets(fleet: Fleet) -> dict[str, timedelta]:
    """How long a request may take in each service, where that is stated or follows from its callers."""
    budgets: dict[str, timedelta] = {}
    for caller in fleet.services.values():
        for need in caller.all_needs:
            if need.mode is Mode.SYNC and Phase.SERVE in need.phases:
                for target in need.targets:
                    if target.timeout is not None:
                        budgets[target.service] = min(target.timeout, budgets.get(target.service, target.timeout))
    for service in fleet.services.values():
        if service.budget is not None:
            budgets[service.name] = service.budget
    return budgets


def needs_of(service: Service) -> Iterator[tuple[NeedKey, Need]]:
    """Every need of a service and of its endpoints, with its key."""
    for position, need in enumerate(service.needs):
        yield NeedKey(service.name, COMMON, position), need
    for endpoint in service.endpoints:
        for position, need in enumerate(endpoint.needs):
            yield NeedKey(service.name, endpoint.name, position), need


def _asks_of(seen: Facts, service: Service) -> tuple[Ask, ...]:
    return tuple(_ask(seen, key, need) for key, need in needs_of(service) if Phase.SERVE in need.phases)


def draw_of(key: NeedKey, need: Need) -> NeedKey | str | None:
    """The request draw the need hangs on; None when every request needs it."""
    if need.share.value == 1:
        return None
    return key if need.condition is None else need.condition


def _ask(seen: Facts, key: NeedKey, need: Need) -> Ask:
    callees = tuple(target.service for target in need.targets)
    believed = seen.counts(need.verified)
    draw = draw_of(key, need) if believed else None
    if need.is_group:
        required = need.required if believed and _group_fits(seen, key.service, need) else len(callees)
        return Ask(key, callees, required, None, None, draw)
    if need.mode is Mode.ASYNC:
        return Ask(key, callees, 0 if believed else 1, None, need.broker, draw)
    fallback = need.fallback if believed and _is_soft(seen, key.service, need) else None
    return Ask(key, callees, 1, fallback, None, draw)


def _patience(need: Need, member: int) -> timedelta | None:
    target = need.targets[member]
    if target.timeout is None:
        return None
    return target.timeout * target.attempts + target.backoff * (target.attempts - 1)


def _is_soft(seen: Facts, caller: str, need: Need) -> bool:
    """Whether softness counts: a fallback, and all attempts together end before the caller's time is up."""
    if need.fallback is None or need.hardness in (Hardness.HARD, Hardness.UNKNOWN):
        return False
    if need.hardness is None and need.evidence.kind is Kind.OBSERVED:
        return False
    patience = _patience(need, 0)
    if patience is None:
        return False
    budget = seen.budgets.get(caller)
    return budget is None or patience < budget


def _group_fits(seen: Facts, caller: str, need: Need) -> bool:
    """Whether the alternatives of a group can all be tried in time, or are asked at once."""
    patiences = [_patience(need, member) for member in range(len(need.targets))]
    finite = [patience for patience in patiences if patience is not None]
    if not finite:
        return True
    if len(finite) < len(patiences):
        return False
    budget = seen.budgets.get(caller)
    return budget is None or sum(finite, timedelta()) < budget


def staleness_of(ask: Ask) -> timedelta | None:
    """How old an answer the ask accepts from a cache; None without a cache."""
    if ask.fallback is None or ask.fallback.kind is not FallbackKind.CACHED:
        return None
    return ask.fallback.staleness


class Site(NamedTuple):
    """Where the copies of a service run, in file order, and how many of them it takes."""

    paths: tuple[str, ...]
    required: int
    affinity: str  # any | region | zone
    has_standby: bool  # the second copy steps in when the first has failed
    is_pair: bool  # declared active-passive

    def beside(self, domain: str) -> tuple[int, ...]:
        """The copies placed inside that domain."""
        return tuple(index for index, path in enumerate(self.paths) if path == domain or path.startswith(domain + "/"))


NOWHERE = Site(("",), 1, "any", has_standby=False, is_pair=False)


def _site_of(seen: Facts, service: Service) -> Site:
    placement = service.placement
    if placement is None:
        return NOWHERE
    paths = tuple(path for path, number in placement.copies for _ in range(number))
    if placement.mode is PlacementMode.ACTIVE_PASSIVE:
        failover = placement.failover
        stands_by = seen.counts(placement.verified) or (failover is not None and seen.counts(failover.verified))
        return Site(paths, 1, "any", has_standby=stands_by, is_pair=True)
    required = _needed_copies(placement) if seen.counts(placement.verified) else len(paths)
    return Site(paths, required, placement.affinity.value, has_standby=False, is_pair=False)


def _needed_copies(placement: Placement) -> int:
    """k: stated, else what is left when the fullest key of ``copies`` is lost; with one key all but one copy."""
    if placement.need is not None:
        return placement.need
    numbers = [number for _, number in placement.copies]
    lost = max(numbers) if len(numbers) > 1 else 1
    return max(sum(numbers) - lost, 1)


def domains_around(fleet: Fleet, path: str) -> tuple[tuple[str, str], ...]:
    """Path and kind of the domain and of all around it; kinds by depth unless declared. No path, no domain."""
    if not path:
        return ()
    parts = path.split("/")
    around = []
    for depth in range(1, len(parts) + 1):
        prefix = "/".join(parts[:depth])
        declared = fleet.domains.get(prefix)
        kind = declared.kind if declared is not None else {1: "region", 2: "zone"}.get(depth, "part")
        around.append((prefix, kind))
    return tuple(around)


def surrounding(fleet: Fleet, path: str, kind: str) -> str | None:
    """The domain of that kind a copy lies in, the innermost if several; None when there is none."""
    found = [prefix for prefix, its_kind in domains_around(fleet, path) if its_kind == kind]
    return found[-1] if found else None
