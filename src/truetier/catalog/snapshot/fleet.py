"""The columns of a fleet: for each kind of value, what its fields are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetier.catalog.checks import tier_mistakes
from truetier.catalog.evidence import Claim, Conflict, Verification
from truetier.catalog.listed import ListedNeeds
from truetier.catalog.measured import Measured
from truetier.catalog.model import (
    AT_SERVE,
    Affinity,
    Criterion,
    Domain,
    Endpoint,
    Fact,
    Failover,
    Fallback,
    FallbackKind,
    Fleet,
    Hardness,
    Journey,
    Mode,
    Need,
    Phase,
    Placement,
    PlacementMode,
    Plane,
    Service,
    SkippedInput,
    Target,
    Waiver,
)
from truetier.catalog.observed import MOST_ATTEMPTS, Observed, ObservedEdge, ObservedEndpoint, ObservedMode, ObservedService, Verdict
from truetier.catalog.snapshot.codecs import (
    BOOLEAN,
    DAY,
    DURATION,
    FACTOR,
    FRACTION,
    TEXT,
    Made,
    Many,
    Maybe,
    NeedList,
    Number,
    OneOf,
    Record,
    Repeated,
    Said,
    Table,
    choice,
)
from truetier.catalog.snapshot.columns import DamagedError
from truetier.catalog.tier import Tier, TierTable
from truetier.units import WHOLE, Availability, Share

if TYPE_CHECKING:
    from truetier.catalog.snapshot.columns import Reader, Writer


def _possible(measured: Measured) -> Measured:
    """What can have been counted: some requests, and no more failures than those."""
    if not 0 <= measured.failed <= measured.requests or measured.requests < 1:
        raise DamagedError
    return measured


def _counted(endpoint: ObservedEndpoint) -> ObservedEndpoint:
    """No more failures than requests."""
    if endpoint.failed > endpoint.requests:
        raise DamagedError
    return endpoint


def _probability(text: str) -> float:
    """A number from 0 to 1, written as the shortest text that gives it back."""
    return _between(text, 0.0, 1.0)


def _attempts(text: str) -> float:
    """The same from 1 up."""
    return _between(text, 1.0, MOST_ATTEMPTS)


def _between(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        raise DamagedError from None
    if not least <= number <= most:
        raise DamagedError
    return number


_COUNT = Number(0, 10**9)  # no key of the catalog takes more
_SOME = Number(1, 10**9)
_REQUESTS = Number(0, 10**15)
_LAYER = Number(-(10**9), 10**9)
_PHASES = OneOf(
    (
        AT_SERVE,
        *(found for bits in range(1, 16) if (found := frozenset(phase for bit, phase in enumerate(Phase) if bits >> bit & 1)) != AT_SERVE),
    )
)
_AVAILABILITY = Repeated(Record(Availability, FRACTION))
_SHARE = Repeated(Made(Record(Share, FRACTION), lambda share: share, lambda share: WHOLE if share == WHOLE else share))
_EVIDENCE = Said()
_VERIFIED = Maybe(Repeated(Record(Verification, TEXT, DAY, Maybe(DAY))))
_MEASURED = Maybe(Made(Record(Measured, _REQUESTS, _REQUESTS, FACTOR), lambda measured: measured, _possible))
_FALLBACK = Repeated(Record(Fallback, choice(FallbackKind), Maybe(DURATION), Maybe(TEXT), _AVAILABILITY, _SHARE))
_TARGET = Repeated(Record(Target, TEXT, Maybe(DURATION), _SOME, DURATION))
_NEED = Record(
    Need,
    Many(_TARGET),
    _EVIDENCE,
    _SOME,
    BOOLEAN,
    Maybe(choice(Hardness)),
    choice(Mode),
    _PHASES,
    _SHARE,
    Maybe(TEXT),
    Maybe(_FALLBACK),
    Maybe(TEXT),
    _VERIFIED,
)
_NEEDS = NeedList(_NEED)
_PLACEMENT = Record(
    Placement,
    Many(Record(tuple, TEXT, _COUNT)),
    _EVIDENCE,
    Maybe(_AVAILABILITY),
    Maybe(_SHARE),
    Maybe(_COUNT),
    choice(Affinity),
    choice(PlacementMode),
    Maybe(Record(Failover, DURATION, _SHARE, _VERIFIED)),
    _VERIFIED,
    _MEASURED,
)
_ENDPOINT = Record(Endpoint, TEXT, _EVIDENCE, Maybe(TEXT), Maybe(_SHARE), _NEEDS)
_SERVICE = Record(
    Service,
    TEXT,
    _EVIDENCE,
    Maybe(TEXT),
    Maybe(_AVAILABILITY),
    Maybe(_AVAILABILITY),
    Maybe(_AVAILABILITY),
    Maybe(TEXT),
    choice(Plane),
    Maybe(_LAYER),
    Maybe(DURATION),
    Maybe(DURATION),
    _COUNT,
    BOOLEAN,
    Many(TEXT),
    _NEEDS,
    Many(_ENDPOINT),
    Maybe(_PLACEMENT),
    _MEASURED,
    Many(Record(Fact, TEXT, TEXT, _EVIDENCE)),
    Table(_EVIDENCE),
)
_DOMAIN = Record(Domain, TEXT, TEXT, Maybe(_EVIDENCE), Maybe(_AVAILABILITY), Maybe(DURATION))
_JOURNEY = Record(Journey, TEXT, _EVIDENCE, Maybe(TEXT), Many(Record(Criterion, Many(TEXT), _SOME, BOOLEAN)), Maybe(_SHARE))
_WAIVER = Record(Waiver, TEXT, TEXT, TEXT, TEXT, DAY, _EVIDENCE)
_CONFLICT = Record(Conflict, TEXT, TEXT, Many(Record(Claim, TEXT, _EVIDENCE)), TEXT)
_NOTE = Record(SkippedInput, TEXT, TEXT)
_TIERS = Made(Many(Record(Tier, TEXT, Maybe(_AVAILABILITY))), lambda table: table.rows, TierTable)
_PROBABILITY = Maybe(Made(TEXT, repr, _probability))
_MODE = Record(ObservedMode, choice(Verdict), _PROBABILITY, _PROBABILITY, _PROBABILITY, _REQUESTS, _REQUESTS, _REQUESTS, Many(TEXT))
_ATTEMPTS = Maybe(Made(TEXT, repr, _attempts))
_MODES = Made(Many(Record(tuple, TEXT, _MODE)), lambda modes: tuple(modes.items()), dict)
_OBSERVED_EDGE = Record(
    ObservedEdge, TEXT, TEXT, BOOLEAN, _REQUESTS, _REQUESTS, Maybe(DURATION), Maybe(TEXT), _MODES, _EVIDENCE, _PROBABILITY, _ATTEMPTS
)
_OBSERVED_ENDPOINT = Made(Record(ObservedEndpoint, TEXT, _REQUESTS, _REQUESTS), lambda endpoint: endpoint, _counted)
_OBSERVED_SERVICE = Record(ObservedService, TEXT, _REQUESTS, _MEASURED, _EVIDENCE, Many(_OBSERVED_ENDPOINT))
_OBSERVED = Record(Observed, Many(_OBSERVED_EDGE), Many(_OBSERVED_SERVICE))
_FIELDS = (
    ("services", _SERVICE),
    ("domains", _DOMAIN),
    ("journeys", _JOURNEY),
    ("waivers", _WAIVER),
    ("conflicts", _CONFLICT),
    ("skipped", _NOTE),
    ("unmatched", _NOTE),
)
_NAMED = ("services", "domains", "journeys")  # mappings by the first field of what they hold


def write_fleet(fleet: Fleet, to: Writer) -> None:
    """Adds all of the fleet but the contents of its inputs."""
    _TIERS.write([fleet.tiers], to)
    for name, codec in _FIELDS:
        values = getattr(fleet, name)
        Many(codec).write([tuple(values.values()) if name in _NAMED else values], to)
    _OBSERVED.write([fleet.observed], to)


def read_fleet(source: Reader) -> Fleet:
    """The fleet that was written, without inputs. Raises DamagedError where what is there could be no fleet."""
    (tiers,) = _TIERS.read(1, source)
    found: dict[str, Any] = {}
    for name, codec in _FIELDS:
        (values,) = Many(codec).read(1, source)
        found[name] = {value[0]: value for value in values} if name in _NAMED else values
        if len(found[name]) != len(values):
            raise DamagedError
    (observed,) = _OBSERVED.read(1, source)
    fleet = Fleet(tiers=tiers, observed=observed, **found)
    if not tiers.rows or not _is_sound(fleet) or any(tier_mistakes(fleet.services, fleet.journeys, tiers)):
        raise DamagedError
    return fleet


def _is_sound(fleet: Fleet) -> bool:
    """Whether every name means a service, and counts are those of something: what all that follows takes for granted."""
    services = fleet.services.values()
    lists = [service.needs for service in services]
    lists += [endpoint.needs for service in services for endpoint in service.endpoints]
    needs = [need for of_one in lists if not isinstance(of_one, ListedNeeds) for need in of_one]
    criteria = [criterion for journey in fleet.journeys.values() for criterion in journey.succeeds]
    copies = [service.placement.copies for service in services if service.placement is not None]
    fallbacks = {id(need.fallback): need.fallback for need in needs}  # of which there are few
    named = {target.service for need in needs for target in need.targets}
    named.update(*[of_one.services for of_one in lists if isinstance(of_one, ListedNeeds)], *[criterion.services for criterion in criteria])
    named.update(*[(edge.caller, edge.callee) for edge in fleet.observed.edges], (service.name for service in fleet.observed.services))
    named |= {need.broker for need in needs if need.broker is not None}
    named |= {each.service for each in fallbacks.values() if each is not None and each.service is not None}
    return (
        named <= fleet.services.keys()
        and all(need.required <= len(need.targets) for need in needs)
        and all(criterion.required <= len(criterion.services) for criterion in criteria)
        and all(placed and min(number for _, number in placed) > 0 for placed in copies)
    )
