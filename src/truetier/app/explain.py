"""What a name means: a rule, whose page it is, or a subject of a fleet, whose story is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.registry import all_rules, find_rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from truetier.audit.rule import Rule
    from truetier.graph.hardness import Reading
    from truetier.report.story import Story


def explain(name: str, paths: Sequence[str], *, as_of: date, trust: Reading) -> Story | Rule:
    """The page of the rule of that name, or the story of the subject of that name in the fleet those paths describe.

    A rule's name wins unless paths are given. Raises UsageError with the nearest names when there is neither.
    """
    rule = find_rule(name.upper()) or find_rule(name.lower().replace("_", "-"))
    if rule is not None and not paths:
        return rule
    from truetier.app.check import audit
    from truetier.app.load import load_fleet
    from truetier.app.story import story_of

    document = audit(load_fleet(paths or (".",)), as_of=as_of, trust=trust)
    if rule is not None and name not in document.fleet.services:
        return rule
    return story_of(document, name, also=[name for known in all_rules() for name in (known.code, known.slug)])
