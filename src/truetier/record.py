"""Named tuples that cost little when their module is imported: a start-up time is a budget.

``typing.NamedTuple`` compiles every annotation of every class to keep it as a forward reference, and ``collections.namedtuple``
compiles the constructor of every class; together that is half of what all of truetier's own imports cost. Here the classes of
one number of fields share a constructor that was compiled once, each under its own names, and annotations stay as they are
written. Type checkers see ``typing.NamedTuple`` and know all there is to know of it (docs/adr/0008).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple, TypeVar

    Made = TypeVar("Made")
else:
    from collections import namedtuple
    from functools import cache
    from types import FunctionType

    _tuple_new = tuple.__new__
    _Field = type(namedtuple("_Sample", "field").field)  # noqa: PYI024 - how the interpreter itself reads a field of a named tuple

    @cache
    def _template(count):  # noqa: ANN001, ANN202 - seen at run time alone, like all below
        """A constructor of so many fields; their names are not the ones it will have."""
        names = "".join(f"_{number}, " for number in range(count))
        return eval(f"lambda _cls, {names}: _tuple_new(_cls, ({names}))", globals())  # noqa: S307 - of numbers alone

    def _constructor(name, fields, defaults):  # noqa: ANN001, ANN202
        template = _template(len(fields))
        code = template.__code__.replace(co_name="__new__", co_qualname=f"{name}.__new__", co_varnames=("_cls", *fields))
        return FunctionType(code, template.__globals__, "__new__", defaults)

    class _Maker(type):
        """Turns the body of a class into a named tuple with the methods of that body."""

        def __new__(cls, name, bases, body):  # noqa: ANN001, ANN204
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"a field of {name} without a default follows one with a default")
            body["__slots__"] = ()
            body["__match_args__"] = body["_fields"] = fields
            body["_field_defaults"] = defaults
            body["__new__"] = _constructor(name, fields, tuple(defaults.values()))
            for number, field in enumerate(fields):
                body[field] = _Field(number, f"Alias for field number {number}")
            return type(name, (_Record,), body)

    class _Record(tuple):
        """What all of them have; the same as a class of ``collections.namedtuple`` has."""

        __slots__ = ()

        @classmethod
        def _make(cls, iterable):  # noqa: ANN001, ANN206
            """A new value from a sequence of all fields."""
            made = _tuple_new(cls, iterable)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changed):  # noqa: ANN003, ANN202
            """A new value with other values in some fields."""
            made = _tuple_new(type(self), map(changed.pop, self._fields, self))
            if changed:
                raise ValueError(f"Got unexpected field names: {list(changed)!r}")
            return made

        def _asdict(self):  # noqa: ANN202
            """The fields by name, in order."""
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):  # noqa: ANN204
            """``Name(field=value, ...)``."""
            return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in zip(self._fields, self, strict=True))})"

        def __getnewargs__(self):  # noqa: ANN204
            """For copies and pickles."""
            return tuple(self)

    class NamedTuple(metaclass=_Maker):
        """Base of every value; see ``typing.NamedTuple``."""


def maker(of: type[Made]) -> Callable[[Iterable[object]], Made]:
    """What makes a value of that class from all its fields in order: for many at once, by ``map``, at a third of the time."""
    return partial(tuple.__new__, of)  # type: ignore[type-var]  # it is a class of tuples


__all__ = ["NamedTuple", "maker"]
