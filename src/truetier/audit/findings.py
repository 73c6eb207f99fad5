"""All findings of a check: what each rule found, by columns, and the order in which it is shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, overload

from truetier.audit.finding import Finding, Severity, fingerprint
from truetier.audit.violations import gathered
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from truetier.audit.violations import Violations

_KIND = attrgetter("code", "slug", "severity", "usual_fix")


class RuleFindings(NamedTuple):
    """What one rule found, its name, and for each row what names it in every run, whether it is new and whether it is waived."""

    code: str
    slug: str
    usual_severity: Severity  # this and the fix hold where the rule says nothing of a row in particular
    usual_fix: str
    said: Violations
    identity: Callable[[int], tuple[str, ...]]
    is_new: bytes
    is_waived: bytes

    def severity(self, row: int) -> Severity:
        """How bad it is."""
        return self.said.severity(row) or self.usual_severity

    def finding(self, row: int) -> Finding:
        """One of them by itself."""
        said, names = self.said.violation(row), (self.code, self.slug, self.severity(row))
        return Finding(*names, said, self.identity(row), self.usual_fix, bool(self.is_new[row]), bool(self.is_waived[row]))

    def fingerprint(self, row: int) -> str:
        """Its identity as 16 hexadecimal digits."""
        return fingerprint(self.identity(row))

    def counts(self, row: int) -> bool:
        """Whether it is new and not waived."""
        return bool(self.is_new[row]) and not self.is_waived[row]


class Stretch(NamedTuple):
    """Findings of one rule and one severity: which of what ``found`` holds, and in which order."""

    of: int
    severity: Severity
    rows: Sequence[int]


class Findings(Sequence[Finding]):
    """The findings in the order they are shown. Reads like a tuple of them and equals one; each is made when it is asked for."""

    __slots__ = ("_ends", "found", "stretches")

    def __init__(self, found: Sequence[RuleFindings], stretches: Sequence[Stretch]) -> None:
        self.found = found
        self.stretches = stretches
        self._ends = list(accumulate(len(stretch.rows) for stretch in stretches))

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Findings:
        """Those findings in that order."""
        if isinstance(findings, Findings):
            return findings
        found: list[RuleFindings] = []
        stretches = []
        for (code, slug, severity, fix), alike in groupby(findings, _KIND):
            group = list(alike)
            stretches.append(Stretch(len(found), severity, range(len(group))))
            said = gathered([finding.said._replace(severity=severity) for finding in group])
            marks = bytes(finding.is_new for finding in group), bytes(finding.is_waived for finding in group)
            found.append(RuleFindings(code, slug, severity, fix, said, [finding.identity for finding in group].__getitem__, *marks))
        return cls(found, stretches)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Finding]:
        return (found.finding(row) for found, row in self.rows())

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def _at(self, place: int) -> Finding:
        number = bisect_right(self._ends, place)
        stretch = self.stretches[number]
        return self.found[stretch.of].finding(stretch.rows[place - self._ends[number]])  # counted from the end of the stretch

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, (Findings, tuple)) and tuple(self) == tuple(other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def rows(self) -> Iterator[tuple[RuleFindings, int]]:
        """What is there instead of findings, for those who look at all of them."""
        return ((self.found[stretch.of], row) for stretch in self.stretches for row in stretch.rows)

    def as_bad_as(self, severity: Severity) -> Findings:
        """Those of that severity."""
        return Findings(self.found, [stretch for stretch in self.stretches if stretch.severity is severity])

    def where(self, is_wanted: Callable[[RuleFindings, int], bool]) -> Findings:
        """Those of which that is true."""
        kept = []
        for of, severity, rows in self.stretches:
            found = self.found[of]
            wanted = [row for row in rows if is_wanted(found, row)]
            if wanted:
                kept.append(Stretch(of, severity, wanted))
        return Findings(self.found, kept)

    def changed(self, change: Callable[[RuleFindings], RuleFindings]) -> Findings:
        """The same with other marks."""
        return Findings([change(found) for found in self.found], self.stretches)

    @property
    def groups(self) -> list[Findings]:
        """Those of each rule and severity apart, in order."""
        return [Findings(self.found, [stretch]) for stretch in self.stretches]

    @property
    def counting(self) -> Findings:
        """Those that are new and not waived."""
        return self.where(RuleFindings.counts)

    def blocking(self, fail_on: Severity | None) -> Findings:
        """Those of them that fail a gate set at that severity: as bad or worse."""
        worst = -1 if fail_on is None else fail_on.rank
        return Findings(self.found, [stretch for stretch in self.counting.stretches if stretch.severity.rank <= worst])

    @property
    def waived(self) -> Findings:
        """Those that are waived."""
        return self.where(lambda found, row: bool(found.is_waived[row]))

    @property
    def known(self) -> Findings:
        """Those that are not new, waived ones aside."""
        return self.where(lambda found, row: not found.is_new[row] and not found.is_waived[row])


def findings_of(code: str, slug: str, severity: Severity, fix: str, said: Violations) -> RuleFindings:
    """What a rule of that name said as findings: all new, none waived."""
    count = len(said.subjects)
    return RuleFindings(code, slug, severity, fix, said, _identity(code, said), b"\1" * count, bytes(count))


def in_order(found: Iterable[RuleFindings]) -> Findings:
    """Worst first, then by code, subject and what else names them."""
    by_code = sorted(found, key=attrgetter("code"))
    rows = [_rows(each) for each in by_code]
    severities = [list(map(each.severity, order)) for each, order in zip(by_code, rows, strict=True)]
    stretches = [
        Stretch(of, severity, alike)
        for severity in Severity
        for of, order in enumerate(rows)
        if (alike := [row for row, each in zip(order, severities[of], strict=True) if each is severity])
    ]
    return Findings(by_code, stretches)


def _rows(found: RuleFindings) -> list[int]:
    """By identity; to sort texts is several times as fast as to sort tuples of them."""
    subjects = found.said.subjects
    rows = sorted(range(len(subjects)), key=subjects.__getitem__)
    if not _are_distinct(subjects):
        rows.sort(key=found.identity)
    return rows


def _identity(code: str, said: Violations) -> Callable[[int], tuple[str, ...]]:
    """Names each row: by code, subject and discriminator, and by a number where the rule cannot tell it from an earlier one."""
    subjects, discriminator = said.subjects, said.discriminator
    if _are_distinct(subjects):
        return lambda row: (code, subjects[row], discriminator(row))
    numbers: list[tuple[str, ...]] = []
    seen: dict[tuple[str, str], int] = {}
    for row, subject in enumerate(subjects):
        names = subject, discriminator(row)
        seen[names] = seen.get(names, 0) + 1
        numbers.append((str(seen[names]),) if seen[names] > 1 else ())
    return lambda row: (code, subjects[row], discriminator(row), *numbers[row])


def _are_distinct(subjects: Sequence[str]) -> bool:
    return len(set(subjects)) == len(subjects)
