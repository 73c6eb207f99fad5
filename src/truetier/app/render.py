"""The result of a check in every form somebody or something reads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from truetier.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier.report.document import Document

FORMS = ("terminal", "json", "sarif", "junit", "github", "markdown", "html")


def render(document: Document, form: str) -> str:
    """The document as text in that form. Raises UsageError for a form that does not exist."""
    return "".join(pieces(document, form))


def pieces(document: Document, form: str) -> Iterable[str]:
    """The same text piece by piece, where the form is one that can become so long that it should not be held as a whole."""
    if form not in FORMS:
        raise UsageError(f"there is no form {form!r}; there are {', '.join(FORMS)}")
    renderer = import_module(f"truetier.report.{form}")
    found: Iterable[str] = renderer.pieces(document) if form == "json" else (renderer.render(document),)
    return found
