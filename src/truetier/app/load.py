"""A fleet from wherever paths lead: sources, a compiled catalog, a revision of git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from truetier.app.from_sources import COMPILED, read_fleet_in
from truetier.app.input_tree import Disk
from truetier.errors import CatalogError, Mistake, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.model import Fleet


def load_fleet(paths: Sequence[str], *, evidence: Sequence[str] = ()) -> Fleet:
    """The fleet that the files and folders describe together, or that one compiled file holds; ``-`` reads standard input.

    ``evidence`` are files of what telemetry showed, or folders of such, besides those in ``.truetier/evidence`` beside a catalog.
    Raises CatalogError with every mistake in every file, and SourceError when there is nothing to read.
    """
    if len(paths) == 1 and is_compiled(paths[0]):
        from truetier.app.compile import load_compiled

        if evidence:
            raise UsageError("a compiled catalog holds its evidence: compile it again with --evidence")
        return load_compiled(paths[0])
    return read_fleet_in(Disk(), paths, evidence=evidence)


def is_compiled(path: str) -> bool:
    """Whether the path is a file that begins as a compiled catalog does."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(COMPILED)) == COMPILED
    except OSError:
        return False  # what it is shows when it is read


def load_fleet_at(paths: Sequence[str], reference: str, *, evidence: Sequence[str] = ()) -> Fleet:
    """The fleet that the same paths described in a git revision; what did not exist then is left out. Evidence is that of today.

    Raises UsageError when the paths lie in no git work tree or git knows no such revision, else as ``load_fleet``. Mistakes
    are placed as git names files, ``main:truetier.yaml``: the file of today may well be right.
    """
    from truetier.app.git_revision import GitRevision

    try:
        with GitRevision(reference, tuple(paths)) as revision:
            return read_fleet_in(revision, paths, evidence=evidence, is_past=True)
    except CatalogError as error:
        raise CatalogError(tuple(_at_revision(mistake, reference) for mistake in error.mistakes)) from None


def _at_revision(mistake: Mistake, reference: str) -> Mistake:
    if mistake.place is None:
        return Mistake(f"{reference}: {mistake.message}")
    return mistake._replace(place=mistake.place._replace(file=f"{reference}:{mistake.place.file}"))
