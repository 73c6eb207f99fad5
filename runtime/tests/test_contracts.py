"""What is in contracts/snapshots is what is written today, and is judged as it says there."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("cryptography")

from runtime.tests.golden import FOLDER, documents, expected
from runtime.tests.signed import Made
from truetier_runtime.examine import Limits, Rules
from truetier_runtime.signature import TrustedKeys

EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def test_what_is_written_today_is_what_was_agreed_on() -> None:
    assert (FOLDER / "expected.json").read_text() == expected()
    assert {path.stem: path.read_bytes() for path in FOLDER.glob("*.snapshot")} == {name: made for name, (made, _) in documents().items()}


@pytest.mark.parametrize("name", EXPECTED["refused"])
def test_a_golden_document_is_judged_as_agreed(name: str) -> None:
    trusted = TrustedKeys(map(bytes.fromhex, EXPECTED["trusted_keys_for_tests"].values()), threshold=EXPECTED["threshold"])
    limits = Limits(max_bytes=EXPECTED["max_bytes"], max_removed=EXPECTED["max_removed"])
    made = Made(Rules(EXPECTED["scope"], trusted, limits=limits))
    made.wall.now = EXPECTED["now"]
    assert made.offer((FOLDER / f"{EXPECTED['running']}.snapshot").read_bytes()) == []
    assert made.offer((FOLDER / f"{name}.snapshot").read_bytes()) == EXPECTED["refused"][name]
