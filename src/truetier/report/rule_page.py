"""The page of one rule: what it forbids, why, an example, what to do, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.report import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.rule import Rule

_WIDTH = 100


def render(rule: Rule) -> str:
    """The page as plain text."""
    return "\n".join(_lines(rule)) + "\n"


def render_json(rule: Rule) -> str:
    """The page as JSON, schema ``truetier/rule/1``."""
    import json

    page = {
        "schema": "truetier/rule/1",
        "code": rule.code,
        "slug": rule.slug,
        "family": rule.family,
        "severity": rule.severity.value,
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "source": rule.source,
        "examples": [{"catalog": example.catalog, "subjects": list(example.subjects)} for example in rule.examples],
    }
    return json.dumps(page, indent=2) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    yield f"{rule.code} {rule.slug} ({rule.severity.value}, {rule.family.replace('_', ' ')})"
    yield from _paragraph(rule.title)
    yield ""
    yield "Why"
    yield from _paragraph(rule.why)
    bad = next((example for example in rule.examples if example.subjects), None)
    if bad is not None:
        yield ""
        yield f"Example (finds {', '.join(bad.subjects)})"
        yield from (f"    {line}" for line in bad.catalog.strip("\n").splitlines())
    yield ""
    yield "Fix"
    yield from _paragraph(rule.fix)
    good = next((example for example in rule.examples if not example.subjects), None)
    if good is not None:
        yield ""
        yield "Example (finds nothing)"
        yield from (f"    {line}" for line in good.catalog.strip("\n").splitlines())
    yield ""
    yield "Source"
    yield from _paragraph(rule.source)


def _paragraph(words: str) -> Iterator[str]:
    return (f"  {line}" for line in text.wrapped(" ".join(words.split()), _WIDTH - 2))
