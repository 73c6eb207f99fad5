# cython: language_level=3, boundscheck=False, wraparound=False
"""The lines of a check's JSON that a large fleet has many of: what each subject delivers, findings and assumptions.

Lines are put together by hand: a report of a large fleet has a hundred thousand of them and a million numbers, and to build an
object for each costs several times what its text does. Every text and every number still goes through one encoder. Named tuples
are taken for the tuples they are, which the compiler then opens without asking them.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from truetier.audit.finding import LONGEST_PATH, fingerprint, rule_failed

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.truetier.pointers import signs
else:
    from truetier.pointers import signs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import Enum

    from truetier.audit.finding import Severity
    from truetier.audit.findings import RuleFindings
    from truetier.availability.estimate import Assessment, Confidence, Contributor, Estimate, Further
    from truetier.catalog.evidence import Assumption
    from truetier.errors import Place

IS_COMPILED = cython.compiled

_LONGEST = LONGEST_PATH


@cython.cfunc
def _inner(text: str) -> str:
    """What stands between the quotes: nearly always the text as it is, and to see that is several times as fast as to write it."""
    if not text.isascii():
        return _escaped(text)
    memory: cython.p_uchar = signs(text)
    length: cython.int = len(text)
    escaped: cython.int = 0
    place: cython.int
    for place in range(length):
        sign: cython.int = memory[place]
        escaped |= (sign < 32) | (sign > 126) | (sign == 34) | (sign == 92)  # the quotation mark and the backslash
    return _escaped(text) if escaped else text


@cython.cfunc
def _escaped(text: str) -> str:
    within: str = quoted(text)
    return within[1 : len(within) - 1]


@cython.final
@cython.cclass
class Encoder:
    """Writes subjects and findings, and remembers numbers and names: most of a report's are there several times."""

    _numbers: dict[float, str]
    _names: dict[str, str]
    _values: dict[int, str]  # of members of enumerations by identity: they live as long as the program
    _contributors: dict[str, str]  # how each begins

    def __init__(self) -> None:
        self._numbers = {}
        self._names = {}
        self._values = {}
        self._contributors = {}

    # -- values

    @cython.cfunc
    def _number(self, number: float | None) -> str:
        """A number as JSON writes it. To find the shortest text takes a while."""
        if number is None:
            return "null"
        known = self._numbers.get(number)
        if known is not None:
            return known
        if number - number != 0:
            raise ValueError(f"{number} is not JSON compliant")
        text: str = repr(number)
        if number and isinstance(number, float):  # 0 and -0.0 are equal, and so are 1 and 1.0
            self._numbers[number] = text
        return text

    @cython.cfunc
    def _name(self, name: str | None) -> str:
        """A name, made once; null where there is none."""
        if name is None:
            return "null"
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = f'"{_inner(name)}"'
        return known

    @cython.cfunc
    def _value(self, member: Enum) -> str:
        """The value of a member of an enumeration, which is slow to ask for."""
        known = self._values.get(id(member))
        if known is None:
            known = self._values[id(member)] = quoted(member.value)
        return known

    @cython.cfunc
    def _estimate(self, estimate: Estimate) -> str:
        fields = cython.cast(tuple, estimate)
        up_low, up_high, down_low, down_high, method = fields
        low, down = self._number(up_low), self._number(down_low)
        value, value_down, high, high_down = low, down, low, down
        if down_low != down_high:
            value = value_down = "null"
            high_down = self._number(down_high)
        if up_low != up_high or not up_low:
            high = self._number(up_high)
        return (
            f'{{"low": {low}, "value": {value}, "high": {high}, '
            f'"unavailability": {{"low": {down}, "value": {value_down}, "high": {high_down}}}, "method": {self._value(method)}}}'
        )

    def place(self, place: Place | None) -> str:
        """Where something is written."""
        if place is None:
            return "null"
        file, line, column = cython.cast(tuple, place)
        return f'{{"file": {self._name(file)}, "line": {line}, "column": {column}}}'

    # -- subjects

    def assessment(self, subject: Assessment) -> str:
        """One subject and what it delivers."""
        name, _, tier, promised, delivered, verdict, claims, tiers, details, confidence = cython.cast(tuple, subject)
        # Worked out when first asked for, and in the last digit by way of what is known by then: hence always in this order.
        full, ceiling, verified, (least, product), costs = (
            details.full,
            details.ceiling,
            details.verified,
            details.bounds,
            details.costs,
        )
        delivered_text, delivered_tier = self._estimate(delivered), self._name(subject.delivered_tier)
        full_text = delivered_text if full == delivered else self._estimate(full)
        verified_text, verified_tier = delivered_text, delivered_tier
        if verified != delivered:
            verified_text, verified_tier = self._estimate(verified), self._name(tiers.best_met(verified.down_high))
        contributors = ", ".join([self._contributor(contributor) for contributor in costs.contributors])
        return (
            f'{{"name": {self._name(name)}, "tier": {self._name(tier)}, '
            f'"promise": {"null" if promised is None else self._number(float(promised))}, '
            f'"verdict": {self._value(verdict)}, "delivered": {delivered_text}, "delivered_tier": {delivered_tier}, '
            f'"nominal_tier": {self._name(subject.nominal_tier)}, "full": {full_text}, '
            f'"ceiling": {self._estimate(ceiling)}, "verified": {verified_text}, '
            f'"verified_tier": {verified_tier}, "unverified_claims": {claims}, '
            f'"bounds": {{"least_available": {self._number(least)}, "product": {self._number(product)}}}, '
            f'"downtime_minutes_per_year": {self._number(delivered.minutes_per_year)}, "contributors": [{contributors}], '
            f'"contributors_total": {costs.total}{"" if confidence is None else self._confidence(confidence, details.further)}}}'
        )

    @cython.cfunc
    def _contributor(self, contributor: Contributor) -> str:
        component, minutes, given, _ = cython.cast(tuple, contributor)
        begin = self._contributors.get(component)
        if begin is None:
            begin = self._contributors[component] = f'{{"component": {quoted(component)}, "minutes_per_year": '
        return f'{begin}{self._number(minutes)}, "gives_back": {self._number(given)}}}'

    @cython.cfunc
    def _confidence(self, confidence: Confidence, further: Further | None) -> str:
        wanted = ""
        if further is not None:
            requests = "null" if further.requests is None else further.requests
            wanted = f', "requests_needed": {requests}, "parameter": {self._name(further.service)}'
        return (
            f', "confidence": {{"met": {self._number(confidence.met)}, "standard_error": {self._number(confidence.standard_error)}, '
            f'"low": {self._number(confidence.low)}, "high": {self._number(confidence.high)}, "draws": {confidence.draws}{wanted}}}'
        )

    # -- findings and assumptions

    def findings(self, found: RuleFindings, severity: Severity, rows: Sequence[int]) -> list[str]:
        """Findings of one rule and one severity."""
        code, slug, _, usual_fix, said, identity, is_new, is_waived = cython.cast(tuple, found)
        subjects, message, place, path, minutes, _, fix, _, length = cython.cast(tuple, said)
        head = f'{{"code": {quoted(code)}, "slug": {quoted(slug)}, "severity": "{severity.value}", "subject": '
        usual = _inner(usual_fix)
        lines: list[str] = []
        for row in rows:
            try:
                words, written, names, remedy, whole = message(row), place(row), path(row), fix(row), length(row)
            except Exception as error:
                raise rule_failed(code, slug, error) from error
            lines.append(
                f'{head}"{_inner(subjects[row])}", "message": "{_inner(words)}", "fix": "{usual if remedy is None else _inner(remedy)}", '
                f'"path": [{self._path(names)}], "path_length": {len(names) if whole is None else whole}, '
                f'"minutes_per_year": {self._number(minutes(row))}, '
                f'"location": {self.place(written)}, "fingerprint": "{fingerprint(identity(row))}", '
                f'"new": {"true" if is_new[row] else "false"}, "waived": {"true" if is_waived[row] else "false"}}}'
            )
        return lines

    def assumption(self, item: Assumption) -> str:
        """One assumption. A large fleet has many that differ in their subject alone."""
        subject, key, value, why = cython.cast(tuple, item)
        return f'{{"subject": {self._name(subject)}, "key": {self._name(key)}, "value": {self._name(value)}, "why": {self._name(why)}}}'

    @cython.cfunc
    def _path(self, path: Sequence[str]) -> str:
        return ", ".join([self._name(name) for name in (path if len(path) <= _LONGEST else path[:_LONGEST])])
