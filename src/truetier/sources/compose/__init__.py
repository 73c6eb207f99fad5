"""Docker Compose files: ``depends_on`` is needed at start; an environment value that names a service is an edge at serve.

``depends_on`` says only in which order containers start, and is taken at that word: phase start. ``links`` and
addresses in ``environment``, ``env_file``, commands and mounted configuration are needed while serving, hardness
unknown. ``include``, ``extends`` and variables of ``.env`` are followed where the files are there; what could not be
had is listed. Names of several projects: see ``names``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.sources.compose.linking import SOURCE_NAME, link
from truetier.sources.compose.project import read_compose

if TYPE_CHECKING:
    from truetier.catalog.source import Contribution

__all__ = ["SOURCE", "link", "read_compose"]


class _Compose:
    """Reads one file on its own, without the files it refers to; ``link`` reads several together."""

    name = SOURCE_NAME

    def collect(self, content: bytes, file: str) -> Contribution | None:
        """What the file says; None when it is no compose file."""
        found = read_compose(content, file)
        return None if found is None else link([found], lambda _: None, lambda _: None)[0]


SOURCE = _Compose()
