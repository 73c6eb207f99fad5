"""The result of a check in every form somebody or something reads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from truetier.errors import UsageError

if TYPE_CHECKING:
    from truetier.report.document import Document

FORMS = ("terminal", "json", "sarif", "junit", "github", "markdown", "html")


def render(document: Document, form: str) -> str:
    """The document as text in that form. Raises UsageError for a form that does not exist."""
    if form not in FORMS:
        raise UsageError(f"there is no form {form!r}; there are {', '.join(FORMS)}")
    text: str = import_module(f"truetier.report.{form}").render(document)
    return text
