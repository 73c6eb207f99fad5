from __future__ import annotations

import pytest

from truetier.sources.yaml_catalog import read

TEXT = """\
services:
  a:
    tier: T1
    owner: us
    placement:
      copies: {r/a: 2}
      availability: 99.9%
"""


def test_each_key_knows_who_says_it_and_where() -> None:
    keys = read(TEXT.encode(), "f").services[0].keys
    assert {key: (evidence.place.line, evidence.place.column) for key, evidence in keys.items() if evidence.place} == {
        "tier": (3, 11),
        "owner": (4, 12),
        "placement": (6, 7),
        "placement.copies": (6, 15),
        "placement.availability": (7, 21),
    }
    assert len(keys) == 5
    assert "tier" in keys
    assert "placement.copies" in keys


def test_a_key_that_nobody_states_is_not_there() -> None:
    keys = read(TEXT.encode(), "f").services[0].keys
    for key in ("target", "placement.need", "placement.x", "owner.x", 3):
        assert key not in keys
    assert keys.get("target") is None
    with pytest.raises(KeyError):
        keys["target"]
    bare = read(b"services: {a: {tier: T1}}", "f").services[0].keys
    assert bare.get("placement.copies") is None
    assert repr(bare).startswith("{'tier': ")
