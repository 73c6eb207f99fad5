"""Fault trees that others wrote: the probability of their top events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from truetier.app.input_tree import STANDARD_INPUT, Disk, UnreadableError
from truetier.availability.fault_tree.analysis import analyse
from truetier.errors import CatalogError, SourceError
from truetier.sources.fault_tree import read_fault_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from truetier.availability.fault_tree.analysis import Analysis
    from truetier.errors import Mistake

_Outcome = tuple["tuple[Analysis, ...]", "tuple[Mistake, ...]"]


def fault_trees(
    files: Sequence[str],
    *,
    importance: bool = False,
    order: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Analysis, ...]:
    """Every top event of every model, in the order of the files; several models at once where there are several cores.

    Raises CatalogError with the mistakes of all models, and SourceError where a file cannot be read.
    """
    models = _models(files)
    outcomes: list[_Outcome] = []
    for outcome in _each(models, importance=importance, order=order):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), len(models))
    mistakes = tuple(mistake for _, found in outcomes for mistake in found)
    if mistakes:
        raise CatalogError(mistakes)
    return tuple(analysis for found, _ in outcomes for analysis in found)


def _models(files: Sequence[str]) -> list[tuple[str, bytes]]:
    """The name and the bytes of each file; ``-`` is standard input."""
    disk = Disk()
    models: list[tuple[str, bytes]] = []
    wrong: list[str] = []
    for file in files:
        try:
            models.append(("<stdin>" if file == STANDARD_INPUT else file, disk.read(file)))
        except UnreadableError as error:
            wrong.append(f"{file} {error}")
    if wrong:
        raise SourceError("\n".join(wrong))
    return models


def _each(models: Sequence[tuple[str, bytes]], *, importance: bool, order: int | None) -> Iterator[_Outcome]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    tasks: Iterable[tuple[str, bytes, bool, int | None]] = ((file, content, importance, order) for file, content in models)
    if min(cores, len(models)) == 1:
        yield from map(_analysed, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(cores, len(models))) as pool:
        yield from pool.map(_analysed, tasks)


def _analysed(task: tuple[str, bytes, bool, int | None]) -> _Outcome:
    file, content, importance, order = task
    try:
        tree = read_fault_tree(content, file)
    except CatalogError as error:
        return (), error.mistakes
    return tuple(analyse(tree, top, file, importance=importance, order=order) for top in tree.tops), ()
