"""Whatever once was worth keeping: crashes that were fixed, and seeds from which the fuzzer starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fuzz.entry import CORPORA, feed, feed_receiver, feed_traces
from tests.fuzz.snapshots import SEEDS, feed_snapshots

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("file", sorted(CORPORA["catalog"].iterdir()), ids=lambda file: file.name)
def test_an_input_is_checked_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    is_usable = feed(file.read_bytes(), tmp_path)
    if file.name.startswith("usable-"):
        assert is_usable
    if file.name.startswith("refused-"):
        assert not is_usable


@pytest.mark.parametrize("file", sorted(CORPORA["traces"].iterdir()), ids=lambda file: file.name)
def test_traces_are_read_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    feed_traces(file.read_bytes(), tmp_path)


@pytest.mark.parametrize("file", sorted(CORPORA["receiver"].iterdir()), ids=lambda file: file.name)
def test_requests_are_sifted_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    assert feed_receiver(file.read_bytes(), tmp_path) == file.name.startswith("usable-")


@pytest.mark.parametrize("file", sorted(CORPORA["snapshots"].iterdir()), ids=lambda file: file.name)
def test_documents_are_taken_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    assert feed_snapshots(file.read_bytes(), tmp_path) == file.name.startswith("usable-")


def test_the_documents_that_the_fuzzer_starts_from_are_taken_and_refused(tmp_path: Path) -> None:
    taken = [seed[:1] for seed in SEEDS if feed_snapshots(seed, tmp_path)]
    assert (taken.count(b"0"), taken.count(b"1"), taken.count(b"2")) == (4, 3, 3)
