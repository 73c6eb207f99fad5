"""Our named tuples are named tuples."""

from __future__ import annotations

import pickle

import pytest

from truetier.record import NamedTuple


class Point(NamedTuple):
    """A place on paper."""

    x: int
    y: int = 2

    @property
    def total(self) -> int:
        return self.x + self.y

    def __str__(self) -> str:
        return f"{self.x}/{self.y}"


def test_fields_defaults_methods_and_text_are_kept() -> None:
    point = Point(1)
    assert point == (1, 2)
    assert point.total == 3
    assert str(point) == "1/2"
    assert repr(point) == "Point(x=1, y=2)"
    assert point._replace(x=5) == Point(5)
    assert Point.__doc__ == "A place on paper."
    assert Point.__qualname__ == "Point"
    assert Point.__annotations__ == {"x": "int", "y": "int"}


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]


def test_values_travel_and_match() -> None:
    assert pickle.loads(pickle.dumps(Point(4))) == Point(4)
    match Point(7):
        case Point(x, y):
            assert (x, y) == (7, 2)
