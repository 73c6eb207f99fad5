"""What was committed is read back, whatever happens to the process, the disk or the folder."""

from __future__ import annotations

import io
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.traces.otlp_wire.requests import START, content
from tests.unit.sources.traces.sinks import kept_in
from truetier.errors import SourceError
from truetier.telemetry.receiver.segments import DiskFullError, Segments, record

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0
MUCH = 10**9


class Clock:
    def __init__(self) -> None:
        self.now = START / 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spans"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(folder: Path, most: int = MUCH, clock: Clock | None = None) -> Segments:
    return Segments(str(folder), most, clock or Clock())


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("spans-*.otlp"))


def numbers(folder: Path) -> set[int]:
    return {int(row.span_id, 16) for row in kept_in(folder).rows}


def test_what_is_committed_is_read_back_by_observe(folder: Path) -> None:
    segments = opened(folder)
    segments.commit([content(1), content(2)])
    segments.commit([content(3)])
    assert numbers(folder) == {1, 2, 3}
    assert kept_in(folder).skipped.total() == 0
    segments.close()


def test_a_process_starts_a_file_of_its_own_and_counts_what_lies_there(folder: Path) -> None:
    first = opened(folder)
    first.commit([content(1)])
    first.close()
    second = opened(folder)
    assert second.recovered is None
    assert second.used == len(record(content(1)))
    second.commit([content(2)])
    assert len(files(folder)) == 2
    assert numbers(folder) == {1, 2}
    second.close()


def test_a_file_is_written_to_for_an_hour_or_until_it_is_large(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    segments = opened(folder, clock=clock)
    segments.commit([content(1)])
    clock.now += HOUR - 1
    segments.commit([content(2)])
    assert len(files(folder)) == 1
    clock.now += 1
    segments.commit([content(3)])
    assert len(files(folder)) == 2
    monkeypatch.setattr("truetier.telemetry.receiver.segments._FULL_FILE", 1)
    segments.commit([content(4)])
    assert len(files(folder)) == 3
    assert numbers(folder) == {1, 2, 3, 4}
    segments.close()


@given(st.integers(1, 5), st.integers(1, 10_000), st.binary(max_size=30))
def test_a_torn_end_is_set_aside_and_all_that_was_committed_before_is_there(committed: int, torn_at: int, noise: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        segments = opened(folder)
        for number in range(1, committed + 1):
            segments.commit([content(number)])
        segments.close()
        last = record(content(99))
        torn = last[: torn_at % len(last)] + noise
        [file] = files(folder)
        with file.open("ab") as stream:
            stream.write(torn)
        again = opened(folder)
        assert (again.recovered is not None) == bool(torn)
        again.commit([content(50)])
        assert numbers(folder) >= {*range(1, committed + 1), 50}
        assert sum(path.stat().st_size for path in folder.iterdir()) == again.used
        again.close()


def test_a_damaged_record_before_a_whole_one_stays_where_it_is(folder: Path) -> None:
    segments = opened(folder)
    segments.commit([content(1), content(2)])
    segments.close()
    [file] = files(folder)
    damaged = bytearray(file.read_bytes())
    damaged[20] ^= 255
    file.write_bytes(damaged)
    again = opened(folder)
    assert again.recovered is None
    assert file.read_bytes() == damaged
    again.close()


def test_two_receivers_do_not_write_to_one_folder(folder: Path) -> None:
    first = opened(folder)
    with pytest.raises(SourceError, match="another receiver writes there"):
        opened(folder)
    first.close()
    opened(folder).close()


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot store spans there: Not a directory"):
        opened(tmp_path / "file" / "spans")
    with pytest.raises(SourceError, match="a file, where a folder is wanted"):
        opened(tmp_path / "file")


def test_a_full_folder_takes_nothing_until_files_are_taken_away(folder: Path) -> None:
    room = 2 * len(record(content(1)))
    segments = opened(folder, most=room)
    segments.commit([content(1), content(2)])
    with pytest.raises(DiskFullError):
        segments.commit([content(3)])
    for file in files(folder):
        file.unlink()
    segments.commit([content(4)])
    assert numbers(folder) == {4}
    assert segments.used <= segments.most == room
    segments.close()


def test_a_file_that_was_taken_away_is_not_written_to(folder: Path) -> None:
    segments = opened(folder)
    segments.commit([content(1)])
    files(folder)[0].unlink()
    segments.commit([content(2)])
    assert numbers(folder) == {2}
    segments.close()


@pytest.fixture
def failing_fsync(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Whether the disk fails now."""
    fails = [False]
    real = os.fsync

    def fsync(handle: int) -> None:
        if fails[0]:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    yield fails
    fails[0] = False


@pytest.mark.parametrize("before", [(), (1,)], ids=["as the first", "behind others"])
def test_what_the_disk_did_not_take_is_not_committed_and_later_requests_are(
    folder: Path, failing_fsync: list[bool], before: tuple[int, ...]
) -> None:
    segments = opened(folder)
    for number in before:
        segments.commit([content(number)])
    used = segments.used
    failing_fsync[0] = True
    for _ in range(3):
        with pytest.raises(OSError, match="Input/output error"):
            segments.commit([content(7)])
    failing_fsync[0] = False
    assert segments.used == used
    segments.commit([content(8)])
    assert numbers(folder) == {*before, 8}
    assert len(files(folder)) == len(before) + 1, "no empty files are left behind"
    segments.close()


class Hasty(io.FileIO):
    """A file that takes a few bytes at a time, as one may."""

    def write(self, given: Any) -> int:  # noqa: ANN401 - bytes of any kind
        return super().write(memoryview(given)[:7])


def test_a_write_that_takes_only_a_part_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segments = opened(folder)
    monkeypatch.setattr("builtins.open", lambda path, mode, **_: Hasty(path, mode.replace("b", "")))
    segments.commit([content(1), content(2)])
    monkeypatch.undo()
    assert numbers(folder) == {1, 2}
    segments.close()
