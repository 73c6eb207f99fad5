"""What the kernels say of their C types, for a Python that runs them uncompiled.

A kernel is a module in Cython's pure-Python mode: one source, compiled when the package is built, and as it stands where there
was no compiler. There ``cython`` is this module: types are names, decorators hand back what they decorate (docs/adr/0009).
Numbers never wrap here, so a kernel must not count on it where it runs uncompiled.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

T = TypeVar("T")

compiled = False  # whether the code that reads this runs compiled

Int = int  # the names below hide those of the built-in types
int = Int  # noqa: A001 - 32 bits where compiled
uint = Int
longlong = Int  # 64 bits
ulonglong = Int
bint = bool
double = float
if TYPE_CHECKING:
    p_int = array[Int]
    p_longlong = array[Int]
    p_ulonglong = array[Int]
    p_double = array[float]
    p_uchar = bytes
else:
    p_int = p_longlong = p_ulonglong = p_double = p_uchar = object


nogil = nullcontext()  # what other threads of the program run beside, where compiled


def cclass(decorated: type[T]) -> type[T]:
    """A class whose attributes are fields of a C structure."""
    return decorated


def final(decorated: type[T]) -> type[T]:
    """A class that nobody inherits from."""
    return decorated


def cfunc(decorated: T) -> T:
    """A function that only its own module can call."""
    return decorated


def inline(decorated: T) -> T:
    """A function to be put where it is called."""
    return decorated


def declare(kind: type[T], value: T) -> T:  # noqa: ARG001
    """A variable of the module that only its own module sees."""
    return value


def exceptval(value: Int | None = None, *, check: bool = True) -> Callable[[T], T]:  # noqa: ARG001
    """A function that returns the value where it raises; without ``check`` one that never raises."""
    return cfunc


@overload
def cast(kind: type[tuple[object, ...]], value: T) -> T: ...
@overload
def cast(kind: Callable[[float], T], value: float) -> T: ...
def cast(kind, value):  # type: ignore[no-untyped-def]
    """The value as another type of number; or a named tuple as the plain tuple it is, which compiled code opens without asking it."""
    return value if isinstance(value, kind) else kind(value)
