"""Whatever once was worth keeping: crashes that were fixed, and seeds from which the fuzzer starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.entry import feed

CORPUS = sorted((Path(__file__).resolve().parent.parent / "data" / "fuzz").iterdir())


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_an_input_is_checked_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    is_usable = feed(file.read_bytes(), tmp_path)
    if file.name.startswith("usable-"):
        assert is_usable
    if file.name.startswith("refused-"):
        assert not is_usable
