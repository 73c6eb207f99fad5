"""What to say of a name that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def unknown_name(name: str, names: Sequence[str], also: Sequence[str] = ()) -> str:
    """What to say of a name that no subject has: the nearest names, else the first there are. ``also`` may have been meant too."""
    from difflib import get_close_matches

    close = [known for known in names if known.casefold() == name.casefold()] or get_close_matches(name, [*names, *also], n=3)
    if close:
        return f"nothing is named {name!r}; did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"nothing is named {name!r}; there are {shown}" if names else f"nothing is named {name!r}: the catalog has no services"
