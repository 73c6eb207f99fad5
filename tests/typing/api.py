"""The public API as a user types it. Checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import assert_type

import truetier
from truetier import Assessment, CatalogError, Document, Estimate, Finding, Fleet, Service, SourceError, Story, UsageError


def overview(path: str) -> list[str]:
    fleet = truetier.load(path, "k8s/")
    assert_type(fleet, Fleet)
    document = truetier.audit(fleet, as_of=date(2026, 11, 23), trust="verified", select=["tiering"], ignore=("TT104",))
    assert_type(document, Document)
    assert_type(document.services, tuple[Assessment, ...])
    assert_type(document.findings, Sequence[Finding])
    story = truetier.explain(document, "login")
    assert_type(story, Story)
    assert_type(truetier.render(document, "html"), str)
    return [str(story), *(finding.message for finding in document.findings)]


def down(subject: Assessment) -> float | None:
    estimate = subject.delivered
    assert_type(estimate, Estimate)
    return estimate.minutes_per_year


def owner(fleet: Fleet, name: str) -> str | None:
    service: Service = fleet.services[name]
    return service.owner


def careful() -> Document | None:
    try:
        return truetier.audit(truetier.load())
    except CatalogError as error:
        for mistake in error.mistakes:
            print(mistake.place, mistake.message)  # noqa: T201 - what a user would do
    except (SourceError, UsageError):
        return None
    return None
