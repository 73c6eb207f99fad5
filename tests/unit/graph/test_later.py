from __future__ import annotations

import pytest

from truetier.graph.later import Later


def test_a_value_is_made_once_when_it_is_asked_for() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    later = Later({"a": 1, "b": 2, "c": 3}, make, {"b": "known"})
    assert (list(later), len(later), "c" in later, "d" in later, made) == (["a", "b", "c"], 3, True, False, [])
    assert (later["b"], later["a"], later["a"], made) == ("known", "A", "A", ["a"])
    assert dict(later) == {"a": "A", "b": "known", "c": "C"}
    with pytest.raises(KeyError):
        later["d"]
