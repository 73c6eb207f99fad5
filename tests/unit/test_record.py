"""Our named tuples are named tuples."""

from __future__ import annotations

import copy
import pickle

import pytest

from truetier.record import NamedTuple, maker


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


def test_arguments_are_checked_as_those_of_a_function() -> None:
    assert Point(y=3, x=1) == Point(1, 3)
    with pytest.raises(TypeError, match=r"Point\.__new__\(\) missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional arguments"):
        Point(1, 2, 3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="unexpected field names"):
        Point(1)._replace(z=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 2 arguments, got 1"):
        Point._make([1])


def test_a_field_without_a_default_must_not_follow_one_with_a_default() -> None:
    with pytest.raises(TypeError, match="without a default"):

        class Bad(NamedTuple):
            x: int = 1
            y: int  # type: ignore[misc]


def test_everything_a_named_tuple_has_is_there() -> None:
    assert Point._fields == ("x", "y")
    assert Point._field_defaults == {"y": 2}
    assert Point(1)._asdict() == {"x": 1, "y": 2}
    assert copy.copy(Point(1)) == Point(1)
    assert not hasattr(Point(1), "__dict__")
    assert Point.x.__doc__ == "Alias for field number 0"


def test_many_are_made_from_columns() -> None:
    assert list(map(maker(Point), zip([1, 2], [3, 4], strict=True))) == [Point(1, 3), Point(2, 4)]
    assert type(maker(Point)([5, 6])) is Point
