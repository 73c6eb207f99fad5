"""What to do next, added to errors whose cause is easy to guess."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truetier.errors import NothingToReadError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def hints(paths: Sequence[str]) -> Iterator[None]:
    """Adds a hint to a SourceError that leaves the block while these paths are read."""
    try:
        yield
    except SourceError as error:
        hint = _hint(paths, nothing_read=isinstance(error, NothingToReadError))
        raise SourceError(f"{error}\n{hint}" if hint else str(error)) from None


def _hint(paths: Sequence[str], *, nothing_read: bool) -> str:
    from truetier.app.input_tree import STANDARD_INPUT

    missing = [path for path in paths if path not in ("", STANDARD_INPUT) and not os.path.lexists(path)]
    names = [path for path in missing if os.sep not in path and "." not in path]
    if names:
        return f"if {names[0]} is a service of the catalog here: truetier explain {names[0]}"
    if missing:
        return _nearest_file(missing[0])
    return "to start a catalog: truetier init" if nothing_read and all(os.path.isdir(path) for path in paths) else ""


def _nearest_file(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    try:
        close = get_close_matches(name, os.listdir(folder or "."), n=1)
    except OSError:
        return ""
    return f"did you mean {os.path.join(folder, close[0])}?" if close else ""
