"""What a rule is: one small file under rules/ that describes itself and proves itself by examples."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.audit.finding import Severity, Skipped, Violation
    from truetier.audit.violations import Violations

EXAMPLE_DAY = date(2026, 11, 23)


class Example(NamedTuple):
    """A catalog as text, and the subjects the rule must name in it: none for a fleet that keeps the rule.

    ``observed`` is what telemetry saw of it, as ``observe`` writes it.
    """

    catalog: str
    subjects: tuple[str, ...] = ()
    as_of: date = EXAMPLE_DAY
    observed: str = ""


class Rule:
    """Base of all rules. The slug is the file's name with dashes; nothing is registered by hand."""

    code: ClassVar[str]
    severity: ClassVar[Severity]
    title: ClassVar[str]  # one line: what the rule forbids
    why: ClassVar[str]
    fix: ClassVar[str]
    source: ClassVar[str]
    examples: ClassVar[tuple[Example, ...]]

    @property
    def slug(self) -> str:
        """The rule's name, from its file's."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    @property
    def family(self) -> str:
        """The folder the rule lives in."""
        return type(self).__module__.split(".")[-2]

    def check(self, facts: Facts) -> Iterator[Violation | Violations | Skipped]:
        """Every violation, one by one or, where a fleet may have many, all at once; and every subject the rule cannot judge."""
        raise NotImplementedError
