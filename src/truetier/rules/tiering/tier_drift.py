"""TT109: a promise that the fleet was seen to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_place, promise_text
from truetier.units import MINUTES_PER_YEAR, availability_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts

_SIDES = (0.025, 0.5, 0.975)


class TierDrift(Rule):
    """The observed availability is surely below the promise."""

    code = "TT109"
    severity = Severity.WARNING
    title = "a service was seen to break its promise"
    why = (
        "What is computed says what a service can deliver over years; what was observed is what its users got in the time that was "
        "looked at, incidents included. Where even the upper end of the observed interval is below the promise, the service has "
        "drifted away from its tier, whatever the catalog computes. Too few requests to tell is not a pass: the rule then says so."
    )
    fix = (
        "find out what failed (truetier observe tells own failures from those of dependencies), then raise the service or lower the promise"
    )
    source = (
        "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017); Jeffreys interval, Brown, Cai, DasGupta 2001"
    )
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1}
""",
            ("shop",),
            observed="""
{"schema": "truetier/observe/1", "edges": [], "services": [
  {"name": "shop", "observed": {"requests": 1000000, "failed": 900, "clustering": 4}}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1}
  ads:  {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "edges": [], "services": [
  {"name": "shop", "observed": {"requests": 1000000, "failed": 20, "clustering": 1}},
  {"name": "ads", "observed": {"requests": 500, "failed": 0, "clustering": 1}}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        """Every service with a promise of which requests were counted."""
        if not facts.fleet.observed.services:
            return
        from truetier.availability.posterior import quantiles  # few fleets have evidence of telemetry

        for seen in facts.fleet.observed.services:
            service = facts.fleet.services[seen.name]
            promise = facts.fleet.promise(service)
            if promise is None or seen.whole is None:
                continue
            best, middle, worst = quantiles(seen.whole, _SIDES)
            allowed = promise.unavailability
            if best > allowed:
                promised = promise_text(facts.fleet, service.tier, promise)
                succeeded, at_best = (availability_text(1 - down, down) for down in (middle, best))
                yield Violation(
                    seen.name,
                    f"{seen.name} promises {promised}, but {succeeded} of {seen.whole.requests:,} requests succeeded, at best {at_best}",
                    promise_place(service),
                    (seen.name,),
                    middle * MINUTES_PER_YEAR,
                )
            elif worst > allowed:
                yield Skipped(seen.name, f"{seen.whole} were seen: too few to tell whether the promise is kept")
