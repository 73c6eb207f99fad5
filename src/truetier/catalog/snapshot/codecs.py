"""How each kind of value is laid out in columns; a value of several fields is one column, or several, for each field.

``write`` takes all values of one kind at once and ``read`` gives as many back, in the same order. What ``read`` gives is made as it
is asked for, once, and has been checked as a value of its own kind: a share is a share. What values say of each other is for
others to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import accumulate, compress, islice, repeat
from typing import TYPE_CHECKING, Any, Protocol

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.listed import BARE, ListedNeeds, Wording, can_be_listed
from truetier.catalog.snapshot.columns import DamagedError
from truetier.errors import Place
from truetier.record import maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from enum import Enum

    from truetier.catalog.model import Need
    from truetier.catalog.snapshot.columns import Reader, Writer

_LONGEST_NUMBER = 100  # characters; the catalog takes 60, and a percent sign moves the point
_LARGEST_FACTOR = 10**9
_LEAST_EXPONENT = -1100  # of ten; the catalog takes three digits
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = timedelta(days=365_000) // _MICROSECOND
_FARTHEST = 2**31 - 1  # line and column
_NOWHERE = Place("", 0, 0)
_EVIDENCE, _PLACE = maker(Evidence), maker(Place)
_LAST_DAY = date.max.toordinal()


class Codec(Protocol):
    """Writes values of one kind, and reads them back."""

    def write(self, values: Sequence[Any], to: Writer) -> None:
        """Adds the values as columns."""
        ...

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """So many values. Raises DamagedError."""
        ...


class Text:
    """A text."""

    def write(self, values: Sequence[str], to: Writer) -> None:
        """One column that names texts."""
        to.texts(values)

    def read(self, count: int, source: Reader) -> Iterable[str]:
        """The texts."""
        return source.texts(count)


TEXT = Text()


class Number:
    """A whole number in a range."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def write(self, values: Sequence[int], to: Writer) -> None:
        """One column."""
        to.numbers(values)

    def read(self, count: int, source: Reader) -> Iterable[int]:
        """The numbers."""
        return source.numbers(count, self._least, self._most)


class OneOf:
    """One of a few known values: true and false, members of an enumeration."""

    def __init__(self, members: Iterable[object]) -> None:
        self._members = tuple(members)
        self._number = {member: number for number, member in enumerate(self._members)}

    def write(self, values: Sequence[Any], to: Writer) -> None:
        """One column that counts the members."""
        to.numbers([self._number[value] for value in values])

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """The members."""
        return map(self._members.__getitem__, source.numbers(count, 0, len(self._members) - 1))


_KIND = OneOf(Kind)


class Made:
    """A value that is made from a simpler one, and can be taken back to it."""

    def __init__(self, inner: Codec, take: Callable[[Any], object], make: Callable[[Any], object]) -> None:
        self._inner, self._take, self._make = inner, take, make

    def write(self, values: Sequence[Any], to: Writer) -> None:
        """The columns of the simpler values."""
        self._inner.write([self._take(value) for value in values], to)

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """The values, made."""
        return map(self._make, self._inner.read(count, source))


class Maybe:
    """A value, or None."""

    def __init__(self, inner: Codec) -> None:
        self._inner = inner

    def write(self, values: Sequence[Any], to: Writer) -> None:
        """A column that says which there are, and the columns of those."""
        there = [value is not None for value in values]
        to.numbers(there)
        self._inner.write([*compress(values, there)], to)

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """The values, None among them."""
        there = source.numbers(count, 0, 1)
        total = sum(there)
        found = self._inner.read(total, source)
        if total == count:
            return found
        if not total:
            return repeat(None, count)
        values = iter(found)
        return [next(values) if is_there else None for is_there in there]


class Repeated:
    """A value of which a fleet has many and few different ones: each is written, and made, once."""

    def __init__(self, inner: Codec) -> None:
        self._inner = inner

    def write(self, values: Sequence[Any], to: Writer) -> None:
        """How many different ones there are, a column that counts them, and their own columns."""
        different: dict[Any, int] = {}
        numbers = [different.setdefault(value, len(different)) for value in values]
        to.numbers([len(different)])
        to.numbers(numbers)
        self._inner.write([*different], to)

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """The values."""
        (different,) = source.numbers(1, 0, count)
        numbers = source.numbers(count, 0, different - 1)
        return map([*self._inner.read(different, source)].__getitem__, numbers)


class Record:
    """A named tuple: field after field."""

    def __init__(self, of: type[tuple[Any, ...]], *fields: Codec) -> None:
        self._make = maker(of)
        self._fields = fields

    def write(self, values: Sequence[tuple[Any, ...]], to: Writer) -> None:
        """The columns of each field."""
        columns = zip(*values, strict=True) if values else repeat((), len(self._fields))
        for field, column in zip(self._fields, columns, strict=True):
            field.write(column, to)

    def read(self, count: int, source: Reader) -> Iterable[Any]:
        """The tuples."""
        return map(self._make, zip(*[field.read(count, source) for field in self._fields], strict=True))


class Many:
    """A tuple of values of one kind."""

    def __init__(self, inner: Codec) -> None:
        self._inner = inner

    def write(self, values: Sequence[Sequence[Any]], to: Writer) -> None:
        """A column of lengths, and the columns of all items in a row."""
        to.numbers([len(items) for items in values])
        self._inner.write([item for items in values for item in items], to)

    def read(self, count: int, source: Reader) -> Iterable[tuple[Any, ...]]:
        """The tuples."""
        lengths, total = source.lengths(count)
        items = iter(self._inner.read(total, source))
        if total == count and min(lengths, default=1) == 1:  # as nearly all needs have one target
            return zip(items)
        return [tuple(islice(items, length)) for length in lengths] if total else repeat((), count)


class Said:
    """Who says something, and where: a column for each part, line 0 for no place."""

    def write(self, values: Sequence[Evidence], to: Writer) -> None:
        """The columns."""
        places = [value.place or _NOWHERE for value in values]
        _KIND.write([value.kind for value in values], to)
        to.texts([value.source for value in values])
        to.texts([place.file for place in places])
        to.numbers([place.line for place in places])
        to.numbers([place.column for place in places])
        to.texts([value.detail for value in values])

    def read(self, count: int, source: Reader) -> _Evidence:
        """The values, each made when it is asked for."""
        kinds, sources, files = _KIND.read(count, source), source.texts(count), source.texts(count)
        lines, columns = source.numbers(count, 0, _FARTHEST), source.numbers(count, 0, _FARTHEST)
        return _Evidence([*kinds], sources, files, lines, columns, source.texts(count))


class _Evidence:
    """Evidence that is made when it is asked for, one or all: few of the keys of a fleet are ever asked who says them."""

    __slots__ = ("_columns",)

    def __init__(self, *columns: Sequence[Any]) -> None:
        self._columns = columns

    def __iter__(self) -> Iterator[Evidence]:
        kinds, sources, files, lines, columns, details = self._columns
        places: Iterable[Place | None] = map(_PLACE, zip(files, lines, columns, strict=True))
        if 0 in lines:
            places = [place if place.line else None for place in places if place is not None]
        return map(_EVIDENCE, zip(kinds, sources, places, details, strict=True))

    def __getitem__(self, index: int) -> Evidence:
        kind, source, file, line, column, detail = (column[index] for column in self._columns)
        return Evidence(kind, source, Place(file, line, column) if line else None, detail)


class Table:
    """A mapping from texts to who says them. Many have the same keys, so these are written once."""

    def __init__(self, inner: Said) -> None:
        self._keys = Repeated(Many(TEXT))
        self._inner = inner

    def write(self, values: Sequence[Mapping[str, Any]], to: Writer) -> None:
        """The keys of each, and the columns of all values in a row."""
        self._keys.write([tuple(table) for table in values], to)
        self._inner.write([value for table in values for value in table.values()], to)

    def read(self, count: int, source: Reader) -> Iterable[Mapping[str, Any]]:
        """The mappings; a value is made when it is asked for."""
        keys = [*self._keys.read(count, source)]
        ends = [*accumulate(map(len, keys), initial=0)]
        values = self._inner.read(ends[-1], source)
        return map(_Table, keys, repeat(values), ends)


class _Table(Mapping[str, Evidence]):
    """A mapping whose values stand in a row with those of others, from ``begin`` on."""

    __slots__ = ("_begin", "_keys", "_values")

    def __init__(self, keys: tuple[str, ...], values: _Evidence, begin: int) -> None:
        self._keys, self._values, self._begin = keys, values, begin

    def __getitem__(self, key: str) -> Evidence:
        if key not in self._keys:
            raise KeyError(key)
        return self._values[self._begin + self._keys.index(key)]

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as any mapping does, without an exception for what is not there
        """The value, or the default."""
        return self[key] if key in self._keys else default

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class NeedList:
    """The needs of a service: columns where they are listed, else one by one."""

    def __init__(self, need: Codec) -> None:
        self._others = Many(need)
        self._wording = Repeated(Made(need, lambda wording: wording.sample, _wording))
        self._line = Number(0, _FARTHEST)

    def write(self, values: Sequence[Sequence[Any]], to: Writer) -> None:
        """Which lists are columns; the columns of all of those in a row; the other lists."""
        listed = [needs for needs in values if isinstance(needs, ListedNeeds)]
        to.numbers([isinstance(needs, ListedNeeds) for needs in values])
        to.texts([needs.file for needs in listed])
        to.numbers([len(needs) for needs in listed])
        to.texts([name for needs in listed for name in needs.services])
        self._wording.write([wording for needs in listed for wording in needs.wordings], to)
        self._line.write([line for needs in listed for line in needs.lines], to)
        self._line.write([column for needs in listed for column in needs.columns], to)
        self._others.write([needs for needs in values if not isinstance(needs, ListedNeeds)], to)

    def read(self, count: int, source: Reader) -> Iterable[Sequence[Any]]:
        """The lists; no listed need is made."""
        are_listed = source.numbers(count, 0, 1)
        listed = sum(are_listed)
        files = source.texts(listed)
        lengths, total = source.lengths(listed)
        names, wordings = tuple(source.texts(total)), tuple(self._wording.read(total, source))
        lines, columns = source.numbers(total, 0, _FARTHEST), source.numbers(total, 0, _FARTHEST)
        others = iter(self._others.read(count - listed, source))
        found: list[Sequence[Any]] = []
        begin = number = 0
        for is_listed in are_listed:
            if not is_listed:
                found.append(next(others))
                continue
            end = begin + lengths[number]
            found.append(ListedNeeds(names[begin:end], wordings[begin:end], files[number], lines[begin:end], columns[begin:end]))
            begin, number = end, number + 1
        return found


def _wording(sample: Need) -> Wording:
    """What the sample says."""
    if len(sample.targets) != 1 or sample.required != 1 or not can_be_listed(sample):
        raise DamagedError
    return BARE if sample == BARE.sample else Wording(sample)


def _decimal(text: str) -> Decimal:
    """A number that is no longer than the catalog takes it: what follows may calculate with it, and print it."""
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number.adjusted() < _LEAST_EXPONENT:
        raise DamagedError
    return number


def _fraction(text: str) -> Decimal:
    """From 0 to 1."""
    number = _decimal(text)
    if not 0 <= number <= 1:
        raise DamagedError
    return number


def _factor(text: str) -> Decimal:
    """From 1 to what the catalog takes."""
    number = _decimal(text)
    if not 1 <= number <= _LARGEST_FACTOR:
        raise DamagedError
    return number


def choice(of: type[Enum]) -> OneOf:
    """The codec of an enumeration."""
    return OneOf(of)


BOOLEAN = OneOf((False, True))
FRACTION = Made(TEXT, str, _fraction)
FACTOR = Made(TEXT, str, _factor)
DURATION = Repeated(Made(Number(0, _LONGEST), lambda time: time // _MICROSECOND, lambda number: timedelta(microseconds=number)))
DAY = Made(Number(1, _LAST_DAY), date.toordinal, date.fromordinal)
