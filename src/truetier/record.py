"""Named tuples that cost little when their module is imported: a start-up time is a budget.

``typing.NamedTuple`` compiles every annotation of every class to keep it as a forward reference, which nobody here asks for; that is
half of what all of truetier's own imports cost. This one takes the names and leaves the annotations as they are written. Type
checkers see ``typing.NamedTuple`` and know all there is to know of it (docs/adr/0008).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    _NOT_COPIED = frozenset({"__module__", "__qualname__", "__annotations__", "__doc__"})

    class _Maker(type):
        """Turns the body of a class into a named tuple with the methods of that body."""

        def __new__(cls, name, bases, body):  # noqa: ANN001, ANN204 - seen at run time alone
            if not bases:
                return super().__new__(cls, name, bases, body)
            annotations = body.get("__annotations__", {})
            defaults = [body[field] for field in annotations if field in body]
            made = namedtuple(name, annotations, defaults=defaults, module=body["__module__"])  # noqa: PYI024 - this makes the typed one
            for key, value in body.items():
                if key not in annotations and key not in _NOT_COPIED:
                    setattr(made, key, value)
            made.__doc__ = body.get("__doc__")
            made.__qualname__ = body["__qualname__"]
            made.__annotations__ = annotations
            return made

    class NamedTuple(metaclass=_Maker):
        """Base of every value; see ``typing.NamedTuple``."""


__all__ = ["NamedTuple"]
