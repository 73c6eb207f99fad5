"""Which format a file has, by how it begins, packed or not, and folders of files."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.unit.sources.traces.samples import FILES, as_json, otlp, otlp_span
from tests.unit.sources.traces.sinks import Kept
from truetier.errors import SourceError
from truetier.sources.traces import read_traces
from truetier.sources.traces.recognition import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Pack = Callable[[bytes], bytes]

CUT_OFF = "end of a packed file that was cut off or damaged"


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(content)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def read(folder: Path) -> tuple[Kept, dict[str, str]]:
    """What the files of a folder hold, and why others hold nothing."""
    sink = Kept()
    unread = read_traces([str(folder)], sink)
    return sink, {os.path.relpath(item.subject, folder): item.reason for item in unread}


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_by_how_it_begins(name: str, pack: Pack, tmp_path: Path) -> None:
    reader, content, spans = FILES[name]
    (tmp_path / "misleading.csv.zip").write_bytes(pack(content))
    sink, unread = read(tmp_path)
    assert reader_of(content) is reader
    if name == "parquet" and pack is not bytes:
        assert unread == {"misleading.csv.zip": "Parquet that was packed once more: unpack it first"}
    else:
        assert (len(sink.rows), sink.skipped, unread) == (spans, {}, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"# Notes\n", "no spans of a format that is known"),
        (b'{"resourceLogs": []}', "logs, no traces"),
        (b'{"resourceMetrics": []}', "metrics, no traces"),
        (b'{"id": 5}', "JSON, but no spans of a format that is known"),
        (b"[]", "JSON, but no spans of a format that is known"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no spans of a format that is known"),
        (b"\x00\x00\x00\x05hello", "no spans of a format that is known"),
    ],
)
def test_another_file_is_left_out_with_a_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "traces.json").write_bytes(content)
    sink, unread = read(tmp_path)
    assert (sink.met, unread) == (0, {"traces.json": reason})


def test_folders_are_read_in_order_of_name_files_first(tmp_path: Path) -> None:
    names = ("z", "a/three", "b/one", "b/a/two")
    for name in (*names, ".git/hidden", "b/.hidden"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_json(otlp(otlp_span(name=name))))
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "b" / "itself").symlink_to("itself")
    os.mkfifo(tmp_path / "pipe")
    sink, unread = read(tmp_path)
    assert [row.name for row in sink.rows] == list(names)
    assert unread == {
        "loop": "a link to a folder, which is not followed: name the folder itself",
        "pipe": "no regular file",
        "b/itself": "Too many levels of symbolic links",
        "b/nowhere": "No such file or directory",
    }


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_packed_file_that_was_cut_off_is_used_as_far_as_it_goes(pack: Pack, tmp_path: Path) -> None:
    line = as_json(otlp(otlp_span())) + b"\n"
    lines = b"".join(line.replace(b"pay", os.urandom(9).hex().encode()) for _ in range(20_000))
    (tmp_path / "spans").write_bytes(pack(lines)[:-2_000])
    sink, unread = read(tmp_path)
    assert unread == {}
    assert 10_000 < len(sink.rows) < 20_000
    assert sink.skipped[CUT_OFF] == 1


def test_what_is_behind_a_packed_file_is_counted(tmp_path: Path) -> None:
    line = as_json(otlp(otlp_span())) + b"\n"
    (tmp_path / "spans").write_bytes(gzip.compress(line) + gzip.compress(line) + b"garbage")
    sink, _ = read(tmp_path)
    assert (len(sink.rows), sink.skipped) == (2, {CUT_OFF: 1})


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(SourceError, match="null byte"):
        read_traces(["a\x00b"], Kept())
