"""truetier: which tier each service really delivers, and why.

    import truetier

    fleet = truetier.load("catalog/")
    document = truetier.audit(fleet)
    print(truetier.explain(document, "login"))

Importing this costs next to nothing: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from truetier.errors import CatalogError, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.model import Fleet, Service
    from truetier.report.document import Document
    from truetier.report.story import Story

# Importing a folder binds its name here. The folder ``audit`` (empty as a module) comes first, so that the function keeps the name.
import_module("truetier.audit")

__version__ = "0.1.0"
__all__ = [
    "Assessment",
    "CatalogError",
    "Document",
    "Estimate",
    "Finding",
    "Fleet",
    "Service",
    "SourceError",
    "Story",
    "UsageError",
    "audit",
    "explain",
    "load",
    "render",
]

_HOMES = {
    "Assessment": "truetier.availability.estimate",
    "Document": "truetier.report.document",
    "Estimate": "truetier.availability.estimate",
    "Finding": "truetier.audit.finding",
    "Fleet": "truetier.catalog.model",
    "Service": "truetier.catalog.model",
    "Story": "truetier.report.story",
}


if not TYPE_CHECKING:  # for a type checker only the names above exist

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'truetier' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load(*paths: str) -> Fleet:
    """The fleet those catalogs, manifests or folders describe, merged; the current folder when none is named.

    Raises CatalogError with every mistake when the input is wrong, SourceError when it cannot be read.
    """
    from truetier.app.load import load_fleet

    return load_fleet(paths or (".",))


def audit(
    fleet: Fleet, *, as_of: date | None = None, trust: str = "declared", select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> Document:
    """What each service really delivers, and which promises and rules break.

    ``as_of`` is the day to judge by (default: today), ``trust`` is ``declared`` or ``verified``, ``select`` and ``ignore`` name rules
    by code, name or family. Raises UsageError for a rule or a trust that does not exist.
    """
    from truetier.app.check import audit as audit_fleet
    from truetier.graph.hardness import Reading

    readings = {reading.value: reading for reading in Reading}
    if trust not in readings:
        raise UsageError(f"trust is {' or '.join(readings)}, not {trust!r}")
    return audit_fleet(fleet, as_of=as_of or _today(), trust=readings[trust], select=tuple(select), ignore=tuple(ignore))


def explain(document: Document, subject: str) -> Story:
    """The story of one service, journey or endpoint of an audited fleet; ``str`` of it reads like ``truetier explain``.

    Raises UsageError with the nearest names when the fleet has no such subject.
    """
    from truetier.app.story import story_of

    return story_of(document, subject)


def render(document: Document, form: str = "terminal") -> str:
    """The audit as text: ``terminal``, ``json``, ``sarif``, ``junit``, ``github``, ``markdown`` or ``html``.

    Raises UsageError for a form that does not exist.
    """
    from truetier.app.render import render as render_document

    return render_document(document, form)


def _today() -> date:
    from datetime import datetime

    return datetime.now().astimezone().date()
