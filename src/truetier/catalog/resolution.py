"""Turns every name in needs and journeys into the service it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.listed import ListedNeeds
from truetier.catalog.model import SkippedInput
from truetier.catalog.names import AmbiguousNameError
from truetier.catalog.source import OWN_FORMAT
from truetier.errors import Mistake
from truetier.units import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.evidence import Evidence
    from truetier.catalog.model import Criterion, Journey, Need, Service
    from truetier.catalog.names import Names

_MOST_SUGGESTIONS = 20
_MOST_COMPARED = 5000  # names; comparing words is slow


class Resolution:
    """Resolves names; what resolves to nothing is a mistake in our own files and a note elsewhere."""

    def __init__(self, names: Names, known: Sequence[str]) -> None:
        self.mistakes: list[Mistake] = []
        self.unmatched: dict[SkippedInput, None] = {}
        self._names = names
        self._known = known
        self._suggestions_left = _MOST_SUGGESTIONS if len(known) <= _MOST_COMPARED else 0

    def service(self, service: Service) -> Service:
        """The service with every callee known by its own name."""
        needs = self._needs(service.name, service.needs)
        endpoints = service.endpoints
        if endpoints:
            resolved = tuple((endpoint, self._needs(service.name, endpoint.needs)) for endpoint in endpoints)
            if any(found is not endpoint.needs for endpoint, found in resolved):
                endpoints = tuple(endpoint._replace(needs=found) for endpoint, found in resolved)
        if needs is service.needs and endpoints is service.endpoints:
            return service
        return service._replace(needs=needs, endpoints=endpoints)

    def journey(self, journey: Journey) -> Journey:
        """The journey with every service known by its own name."""
        criteria = tuple(self._criterion(criterion, journey) for criterion in journey.succeeds)
        return journey if criteria == journey.succeeds else journey._replace(succeeds=criteria)

    def _criterion(self, criterion: Criterion, journey: Journey) -> Criterion:
        found = tuple(self._meant(name, journey.evidence, f"journey {shown(journey.name)}") or name for name in criterion.services)
        if criterion.is_group and len(set(found)) < len(found):
            message = f"journey {shown(journey.name)}: two names in one group mean the same service"
            self.mistakes.append(Mistake(message, journey.evidence.place))
        return criterion._replace(services=found)

    def _needs(self, caller: str, needs: Sequence[Need]) -> Sequence[Need]:
        # Nearly always every need names services by their own names, so that is looked at in one go.
        known = self._names.known
        if isinstance(needs, ListedNeeds):
            if caller not in needs.services and all(map(known.__contains__, needs.services)):
                return needs
        else:
            named = {target.service for need in needs for target in need.targets}
            for need in needs:
                if need.fallback is not None or need.broker is not None:
                    named.update(need.services)
            if caller not in named and named <= known:
                return needs
        resolved = (self._need(caller, need) for need in needs)
        return tuple(need for need in resolved if need is not None)

    def _need(self, caller: str, need: Need) -> Need | None:
        """The need by true names; None when it is left out: another format's, and on nothing known or on the caller itself."""
        meant = {name: self._meant(name, need.evidence, f"service {shown(caller)}") for name in need.services}
        if need.evidence.source != OWN_FORMAT and (None in meant.values() or caller in meant.values()):
            return None
        names = {name: found or name for name, found in meant.items()}
        if caller in names.values() and caller not in names:  # by an alias; the reader has seen the rest
            self.mistakes.append(Mistake(f"service {shown(caller)} needs itself", need.evidence.place))
        targets = tuple(target._replace(service=names[target.service]) for target in need.targets)
        if len({target.service for target in targets}) < len(targets):
            message = f"service {shown(caller)}: two names in one group mean the same service"
            self.mistakes.append(Mistake(message, need.evidence.place))
        fallback = need.fallback
        if fallback is not None and fallback.service is not None:
            fallback = fallback._replace(service=names[fallback.service])
            if fallback.service == targets[0].service:
                self.mistakes.append(Mistake(f"service {shown(caller)}: the stand-in is the service it replaces", need.evidence.place))
        return need._replace(targets=targets, fallback=fallback, broker=None if need.broker is None else names[need.broker])

    def _meant(self, name: str, evidence: Evidence, who: str) -> str | None:
        """The service meant; None, and a mistake or a note made, when there is none."""
        try:
            found = self._names.resolve(name)
        except AmbiguousNameError as error:
            why = f"aliases of {' and '.join(shown(service) for service in error.services)} match it"
        else:
            if found is not None:
                return found
            why = "no service has that name or alias"
        if evidence.source == OWN_FORMAT:
            self.mistakes.append(Mistake(f"{who} names {shown(name)}, but {why}{self._suggestion(name)}", evidence.place))
        else:
            detail = f" by {evidence.detail}" if evidence.detail else ""
            where = f" ({evidence.place})" if evidence.place else ""
            self.unmatched[SkippedInput(name, f"{who} names it{detail}{where}; {why}")] = None
        return None

    def _suggestion(self, name: str) -> str:
        if self._suggestions_left <= 0:
            return ""
        self._suggestions_left -= 1
        from difflib import get_close_matches

        alike = [known for known in self._known if known.casefold() == name.casefold()]
        close = alike or get_close_matches(name, self._known, n=1, cutoff=0.7)
        return f"; did you mean {shown(close[0])}?" if close else ""
