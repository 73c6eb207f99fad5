"""How reports word what was assessed: numbers with their interval, promises, verdicts, and how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.wording import chance_text, range_text
from truetier.availability.estimate import Estimate, Method, SubjectKind, Verdict
from truetier.graph.hardness import Reading
from truetier.report.text import clip, plain, plural
from truetier.units import MINUTES_PER_YEAR, availability_text, downtime_text

if TYPE_CHECKING:
    from truetier.audit.finding import Finding
    from truetier.availability.end_to_end import EndToEnd
    from truetier.availability.estimate import Assessment, Contributor
    from truetier.report.document import Document

DELIVERS = "delivers"


def availability_of(estimate: Estimate) -> str:
    """``99.7901%``, ``99.1% to 99.95%`` where only an interval is known, ``unknown`` where nothing is."""
    if estimate.is_known:
        return percentage(estimate.up_low, estimate.down_low)
    if _says_nothing(estimate):
        return "unknown"
    return f"{percentage(estimate.up_low, estimate.down_high)} to {percentage(estimate.up_high, estimate.down_low)}"


def percentage(up: float, down: float) -> str:
    """An availability as a promise is written, without zeros at the end: ``99.9%``."""
    figure = availability_text(up, down).removesuffix("%")
    return (figure.rstrip("0").rstrip(".") if "." in figure else figure) + "%"


def downtime_of(estimate: Estimate) -> str:
    """``18.385 h/yr``, or ``52.56 min/yr to 8.76 h/yr`` where only an interval is known."""
    if estimate.is_known:
        return downtime_text(estimate.down_low * MINUTES_PER_YEAR)
    if _says_nothing(estimate):
        return "unknown"
    return f"{downtime_text(estimate.down_low * MINUTES_PER_YEAR)} to {downtime_text(estimate.down_high * MINUTES_PER_YEAR)}"


def cost_text(finding: Finding) -> str:
    """`` (8.76 h/yr)``: what a finding costs, unless its message says so already or nobody knows."""
    minutes = finding.minutes_per_year
    if minutes is None or minutes <= 0 or downtime_text(minutes) in finding.message:
        return ""
    return f" ({downtime_text(minutes)})"


def _says_nothing(estimate: Estimate) -> bool:
    """Whether the interval is all there is between never and always."""
    return estimate.up_low == 0.0 and estimate.up_high == 1.0


def method_text(estimate: Estimate) -> str:
    """How the number was obtained: ``exact``, ``interval`` or ``simulation``."""
    return Method.INTERVAL.value if not estimate.is_known and estimate.method is Method.EXACT else estimate.method.value


def promise_text(subject: Assessment) -> str:
    """``T1 99.99%``, ``99.95%`` for a target without a tier, ``none`` without a promise."""
    parts = [] if subject.tier is None else [plain(subject.tier)]
    if subject.promise is not None:
        parts.append(str(subject.promise))
    return " ".join(parts) or "none"


def judged(subject: Assessment, trust: Reading) -> tuple[Estimate, str | None]:
    """The estimate and the tier that the verdict is about: delivered, or verified claims alone."""
    if trust is Reading.VERIFIED:
        return subject.verified, subject.verified_tier
    return subject.delivered, subject.delivered_tier


def tier_text(tier: str | None) -> str:
    """The tier's name; ``no tier`` where the number meets none or is unknown."""
    return "no tier" if tier is None else plain(tier)


def share_text(contributor: Contributor, subject: Assessment) -> str:
    """The contributor's percentage of the subject's downtime: ``47.6%``."""
    share = share_of(contributor, subject)
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share * 100:.1f}%"


def share_of(contributor: Contributor, subject: Assessment) -> float:
    """The contributor's part of the subject's downtime, 0 to 1 (a component may also give back: below 0)."""
    total = subject.delivered.minutes_per_year or subject.delivered.down_high * MINUTES_PER_YEAR
    return contributor.costs / total if total else 0.0


def confidence_text(subject: Assessment) -> str:
    """How sure the number is, as a sentence goes on; empty where it rests on nothing measured."""
    confidence = subject.confidence
    if confidence is None:
        return ""
    between = f"delivers {range_text(confidence)}"
    return between if confidence.met is None else f"kept with a probability of {chance_text(confidence.met)}; {between}"


def chance_word(subject: Assessment) -> str:
    """How sure a verdict is, behind its word: ``, P(kept) 63.1%``; empty where it rests on nothing measured."""
    confidence = subject.confidence
    if confidence is None or confidence.met is None:
        return ""
    return f", P(kept) {chance_text(confidence.met).replace('more than ', '>').replace('less than ', '<')}"


def readings(subject: Assessment, document: Document) -> list[tuple[str, tuple[str, str, str], str]]:
    """The rows that explain one verdict: what is promised, delivered, verified, and possible at best.

    Each is a word, then tier, availability and downtime, then a remark. The row that decides is named ``DELIVERS``.
    """
    rows = []
    if subject.promise is not None:
        allowed = downtime_text(float(subject.promise.exact_unavailability) * MINUTES_PER_YEAR)
        rows.append(("promises", (plain(subject.tier or "-"), str(subject.promise), allowed), ""))
    claims = plural(subject.unverified_claims, "claim")
    is_verified = document.trust is Reading.VERIFIED
    delivered = (tier_word(subject.delivered_tier), availability_of(subject.delivered), downtime_of(subject.delivered))
    verified = (tier_word(subject.verified_tier), availability_of(subject.verified), downtime_of(subject.verified))
    if is_verified:
        rows.append((DELIVERS, verified, _remark(subject, subject.verified)))
        rows.append(("declared", delivered, f"with the {claims} that no test has shown to work"))
    else:
        rows.append((DELIVERS, delivered, _remark(subject, subject.delivered)))
        if subject.unverified_claims:
            rows.append(("verified", verified, f"without the {claims} that no test has shown to work"))
    seen = document.observed.get((subject.kind, subject.name))
    if seen is not None:
        rows.append(("observed", _observed(seen, document), f"{seen.basis}: {_requests(seen)}" if seen.requests else seen.basis))
    if subject.kind is not SubjectKind.JOURNEY:
        tier = document.fleet.tiers.best_met(subject.ceiling.down_high)
        ceiling = (tier_word(tier), availability_of(subject.ceiling), downtime_of(subject.ceiling))
        rows.append(("at best", ceiling, f"if {clip(subject.name, 40)} itself never failed"))
    return rows


def observed_text(seen: EndToEnd) -> str:
    """What was observed, as a sentence goes on: ``99.97%, 99.9% to 99.99% with 95% certainty (12 of 40,000 requests failed, counted)``."""
    if seen.down_low is None or seen.down_high is None:
        return f"unknown: {plain(seen.basis)}"
    between = f"{percentage(1 - seen.down_high, seen.down_high)} to {percentage(1 - seen.down_low, seen.down_low)} with 95% certainty"
    value = "" if seen.down is None else f"{percentage(1 - seen.down, seen.down)}, "
    return f"{value}{between} ({_requests(seen)}, {plain(seen.basis)})"


def _observed(seen: EndToEnd, document: Document) -> tuple[str, str, str]:
    """Tier, availability and downtime of what was observed; of the interval where that is all there is."""
    if seen.down_low is None or seen.down_high is None:
        return "-", "unknown", "unknown"
    low, high = (seen.down_low, seen.down_high) if seen.down is None else (seen.down, seen.down)
    estimate = Estimate(1 - high, 1 - low, low, high)
    return tier_word(document.fleet.tiers.best_met(high)), availability_of(estimate), downtime_of(estimate)


def _requests(seen: EndToEnd) -> str:
    return f"{seen.failed:,} of {plural(seen.requests, 'request')} failed"


def _remark(subject: Assessment, estimate: Estimate) -> str:
    method = method_text(estimate)
    if subject.nominal_tier is None or subject.nominal_tier == subject.delivered_tier or estimate is not subject.delivered:
        return method
    return f"{method}; nominally {plain(subject.nominal_tier)}, its budget overspent by at most 25%"


def tier_word(tier: str | None) -> str:
    """The tier's name, a dash where the number meets none."""
    return "-" if tier is None else plain(tier)


def missed_first(subjects: tuple[Assessment, ...]) -> list[Assessment]:
    """The subjects, missed promises first, then unknown, then met, each by how far the budget is overspent."""
    return sorted(subjects, key=_badness)


def _badness(subject: Assessment) -> tuple[int, float]:
    order = (Verdict.MISSED, Verdict.UNKNOWN, Verdict.MET, Verdict.NONE).index(subject.verdict)
    budget = 1.0 if subject.promise is None else subject.promise.unavailability
    return order, -subject.delivered.down_high / budget if budget else 0.0


def sources_of(document: Document) -> frozenset[str]:
    """The formats that the services were read from: ``truetier``, ``kubernetes``, ``compose``."""
    return frozenset(service.evidence.source for service in document.fleet.services.values())


def silence_text(document: Document) -> str:
    """What an absent edge means, where nobody declared edges; empty where a catalog did."""
    if not document.services or "truetier" in sources_of(document):
        return ""
    return "Read from manifests alone: no declared edge is not the same as no dependency."
