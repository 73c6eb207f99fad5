"""How available services, endpoints and journeys were to those who asked, as telemetry counted their requests.

Theory. Requests of one class, those to one endpoint of one service, fail or do not: a binomial share with a Jeffreys prior, whose
unavailability has a beta distribution. What a service got in all is the sum of its classes. A journey begins at the services it
succeeds by; where the catalog states the shares of such a service's endpoints and each was seen, its classes count by those shares,
else by the requests that were seen. The weighted mean of independent betas is taken for the beta of the same mean and variance.
Whether several services fail a journey together was not seen: the interval then holds however they do, and there is no value. A journey
fails with any of its criteria, at least as often as the worst and at most as often as all together; k of n fail when n - k + 1 do.
Of m services each interval is one of 1 - 5 %/m, so that with 95 % all of them hold.
Sources: Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16(2), 2001; Rüger, Das maximale
Signifikanzniveau des Tests: lehne H0 ab, wenn k unter n gegebenen Tests zur Ablehnung führen, Metrika 25, 1978; Bonferroni.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.estimate import SubjectKind
from truetier.availability.posterior import beta_shares
from truetier.catalog.measured import Measured
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truetier.catalog.model import Criterion, Fleet, Journey, Service
    from truetier.catalog.observed import ObservedService

_OUTSIDE = 0.05  # of what is believed


class EndToEnd(NamedTuple):
    """What was observed of one subject: its unavailability, with 95 % from ``down_low`` to ``down_high``.

    ``down`` is None where only the interval is known, all three are where nothing is. ``basis`` says how it was told, or what is
    missing.
    """

    kind: SubjectKind
    name: str
    down_low: float | None
    down: float | None
    down_high: float | None
    requests: int
    failed: int
    basis: str


class _Class(NamedTuple):
    """A beta distribution of an unavailability, and the requests behind it."""

    failures: float
    successes: float
    requests: int
    failed: int
    basis: str = "counted"

    @property
    def mean(self) -> float:
        return self.failures / (self.failures + self.successes)

    @property
    def variance(self) -> float:
        return self.mean * (1.0 - self.mean) / (self.failures + self.successes + 1.0)

    def interval(self, outside: float) -> tuple[float, float]:
        low, high = beta_shares(self.failures, self.successes, (outside / 2, 1.0 - outside / 2))
        return low, high


def end_to_end(fleet: Fleet) -> Iterator[EndToEnd]:
    """Services and their endpoints of which outcomes were recorded, by the names of the catalog; then every journey."""
    seen = {service.name: service for service in fleet.observed.services if service.whole is not None}
    for name, service in fleet.services.items():
        if name in seen:
            yield from _service(service, seen[name])
    if fleet.observed.services:
        yield from (_journey(journey, fleet, seen) for journey in fleet.journeys.values())


def _service(service: Service, seen: ObservedService) -> Iterator[EndToEnd]:
    assert seen.whole is not None, "outcomes were recorded"
    yield _told(SubjectKind.SERVICE, service.name, _counted(seen.whole))
    by_name = _by_endpoint(seen)
    for endpoint in service.endpoints:
        if endpoint.name in by_name:
            yield _told(SubjectKind.ENDPOINT, f"{service.name}/{endpoint.name}", by_name[endpoint.name])


def _told(kind: SubjectKind, name: str, found: _Class) -> EndToEnd:
    low, high = found.interval(_OUTSIDE)
    return EndToEnd(kind, name, low, found.mean, high, found.requests, found.failed, found.basis)


def _counted(measured: Measured) -> _Class:
    return _Class(measured.failures, measured.successes, measured.requests, measured.failed)


def _by_endpoint(seen: ObservedService) -> Mapping[str, _Class]:
    """The classes of a service; failures come together in each as they do in all."""
    assert seen.whole is not None, "outcomes were recorded"
    return {each.name: _counted(Measured(each.requests, each.failed, seen.whole.clustering)) for each in seen.endpoints if each.requests}


def _journey(journey: Journey, fleet: Fleet, seen: Mapping[str, ObservedService]) -> EndToEnd:
    names = list(dict.fromkeys(name for criterion in journey.succeeds for name in criterion.services))
    missing = [name for name in names if name not in seen]
    if missing or not names:
        basis = f"no outcome of requests to {', '.join(missing)} was recorded" if missing else "it names no service"
        return EndToEnd(SubjectKind.JOURNEY, journey.name, None, None, None, 0, 0, basis)
    classes = {name: _entry(fleet.services[name], seen[name]) for name in names}
    requests, failed = sum(each.requests for each in classes.values()), sum(each.failed for each in classes.values())
    if len(names) == 1:
        return _told(SubjectKind.JOURNEY, journey.name, classes[names[0]])
    intervals = {name: each.interval(_OUTSIDE / len(names)) for name, each in classes.items()}
    lows, highs = zip(*(_fails(criterion, intervals) for criterion in journey.succeeds), strict=True)
    basis = f"however {len(names)} services fail together"
    return EndToEnd(SubjectKind.JOURNEY, journey.name, max(lows), None, min(1.0, sum(highs)), requests, failed, basis)


def _entry(service: Service, seen: ObservedService) -> _Class:
    """The requests to a service that a journey begins at."""
    assert seen.whole is not None, "outcomes were recorded"
    by_name = _by_endpoint(seen)
    shares = {endpoint.name: float(endpoint.share) for endpoint in service.endpoints if endpoint.share is not None}
    if not shares or not shares.keys() <= by_name.keys():
        return _counted(seen.whole)
    weighted = [(share, by_name[name]) for name, share in shares.items()]
    mean = sum(share * each.mean for share, each in weighted)
    variance = sum(share * share * each.variance for share, each in weighted)
    strength = mean * (1.0 - mean) / variance - 1.0
    requests, failed = sum(each.requests for _, each in weighted), sum(each.failed for _, each in weighted)
    return _Class(mean * strength, (1.0 - mean) * strength, requests, failed, "endpoints weighted by their shares")


def _fails(criterion: Criterion, intervals: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """At least and at most how often so many of its services fail that it does, however they fail together."""
    count = len(criterion.services)
    needed = count - criterion.required + 1  # that must fail
    lows, highs = (sorted(intervals[name][side] for name in criterion.services) for side in (0, 1))
    up = [1.0 - low for low in reversed(lows)]
    return max(0.0, 1.0 - _most(up, criterion.required)), min(1.0, _most(highs, needed))


def _most(ascending: Sequence[float], needed: int) -> float:
    """How often so many happen together at most: without the ``left`` likeliest, the others have to make up the number."""
    return min(sum(ascending[: len(ascending) - left]) / (needed - left) for left in range(needed))
