"""Files too large for memory, and traces too large to be true: memory stays bounded, counts are clear, nothing is a traceback."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.sources.traces.otlp_wire.requests import START, content
from tests.unit.sources.traces.samples import otlp, otlp_span

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

GIB, MIB = 1 << 30, 1 << 20
MOST = 1536 * MIB  # bytes of memory, the engine's included
SPANS = 1_000_000
MEASURE = """
import resource, sys
from truetier.cli.main import run
code = run(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""


class Done(NamedTuple):
    code: int
    told: dict[str, Any]  # JSON, where there is some
    said: str
    peak: int  # bytes


def observe(*paths: Path) -> Done:
    command = [sys.executable, "-c", MEASURE, "observe", *map(str, paths), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    *said, peak = done.stderr.splitlines()
    return Done(done.returncode, json.loads(done.stdout) if done.stdout else {}, "\n".join(said), int(peak.split()[1]))


def holds(counts: dict[str, Any]) -> bool:
    return bool(counts["read"] == counts["used"] + sum(counts["skipped"].values()))


def noise(file: IO[bytes], size: int) -> None:
    """Bytes of every value, the same megabyte again and again in another order."""
    chance = random.Random(1)
    pieces = [chance.randbytes(64 * 1024) for _ in range(16)]
    for _ in range(size // MIB):
        chance.shuffle(pieces)
        file.writelines(pieces)


def one_line(file: IO[bytes], size: int) -> None:
    """JSON that begins as a request and never ends."""
    file.write(b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[')
    for _ in range(size // MIB):
        file.write(b'{"name":"x"},' * (MIB // 13))


def brackets(file: IO[bytes], size: int) -> None:
    file.write(b'{"resourceSpans":')
    for _ in range(size // MIB):
        file.write(b"[" * MIB)


def lines(file: IO[bytes], size: int) -> None:
    """Lines that are no JSON, behind one that is."""
    file.write(json.dumps(otlp(otlp_span())).encode() + b"\n")
    for _ in range(size // MIB):
        file.write((b'{"resourceSpans":[{"scopeSpans":' + b"oops" * 250 + b"\n") * 1_000)


def lengths(file: IO[bytes], size: int) -> None:
    """A message in protobuf, then one that says it is larger than what may be, and is."""
    message = content(1)
    file.write(len(message).to_bytes(4, "big") + message + (size - 1).to_bytes(4, "big"))
    for _ in range(size // MIB):
        file.write(bytes(MIB))


def rows(file: IO[bytes], size: int) -> None:
    file.write(b"TraceId,SpanId,ParentSpanId,Service,Operation,StartTime,EndTime\n")
    for _ in range(size // MIB):
        file.write(b'"never closed,' * (MIB // 14))


@pytest.mark.parametrize("write", [noise, one_line, brackets, lines, lengths, rows], ids=lambda write: str(write.__name__))
def test_two_gigabytes_of_garbage_take_little_memory_and_are_counted(write: Callable[[IO[bytes], int], None], tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    sound = tmp_path / "traces" / "a-sound.json"
    sound.write_text(json.dumps(otlp(otlp_span(spanId="a" * 16))))
    garbage = tmp_path / "traces" / "garbage"
    # Noise does not get smaller by packing it.
    with garbage.open("wb") if write is noise else gzip.open(garbage, "wb", compresslevel=1) as file:
        write(file, 2 * GIB)  # type: ignore[arg-type] # as a file of bytes
    done = observe(tmp_path / "traces")
    assert done.code == 0
    assert done.peak < MOST
    counts = done.told["counts"]
    assert holds(counts)
    assert counts["used"] >= 1, "what is sound beside it is used"
    unread = [item["subject"] for item in done.told["unread"]]
    assert counts["skipped"] or unread == [str(garbage)], "what is not used is counted, or named as not read"


def json_resources(file: IO[bytes], size: int) -> None:
    file.write(b'{"resourceSpans":[' + b"{}," * (size // 3) + b"{}]}")


def json_spans(file: IO[bytes], size: int) -> None:
    file.write(b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * (size // 3) + b"{}]}]}]}")


def json_attributes(file: IO[bytes], size: int) -> None:
    file.write(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[' + b"{}," * (size // 3) + b"{}]}]}]}]}")


def zipkin_spans(file: IO[bytes], size: int) -> None:
    file.write(b'[{"traceId":"1"},' + b"{}," * (size // 3) + b"{}]")


def protobuf_spans(file: IO[bytes], size: int) -> None:
    scope = b"\x12\x00" * (size // 2)
    resource = b"\x12" + varint(len(scope)) + scope
    file.write(b"\n" + varint(len(resource)) + resource)


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


TINY = [json_resources, json_spans, json_attributes, zipkin_spans, protobuf_spans]


@pytest.mark.parametrize("write", TINY, ids=lambda write: str(write.__name__))
def test_one_document_of_tiny_pieces_takes_little_memory_and_is_counted(write: Callable[[IO[bytes], int], None], tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "a-sound.json").write_text(json.dumps(otlp(otlp_span(spanId="a" * 16))))
    with (tmp_path / "traces" / "tiny").open("wb") as file:
        write(file, (250 if write is not protobuf_spans else 9) * MIB)  # of what is taken apart and still within the limit
    done = observe(tmp_path / "traces")
    assert done.code == 0
    assert done.peak < MOST
    assert holds(done.told["counts"])
    assert done.told["counts"]["used"] == 1
    assert done.told["counts"]["skipped"]


def test_a_folder_of_nothing_but_garbage_is_an_error_in_words(tmp_path: Path) -> None:
    with (tmp_path / "garbage").open("wb") as file:
        noise(file, 64 * MIB)
    done = observe(tmp_path / "garbage")
    assert done.code == 3
    assert "no spans of a format that is known" in done.said


def chain(number: int) -> int:
    return number - 1


def fan(_: int) -> int:
    return 0


def circles(number: int) -> int:
    """Ten spans in a circle each: no parent is a root."""
    return number - number % 10 + (number + 1) % 10


@pytest.mark.parametrize("parent_of", [chain, fan, circles], ids=lambda function: str(function.__name__))
@pytest.mark.parametrize("kind", ["client", "internal"])
def test_a_trace_of_a_million_spans(parent_of: Callable[[int], int], kind: str, tmp_path: Path) -> None:
    numbers = range(SPANS)
    parents = map(parent_of, numbers)
    table = pa.table(
        {
            "trace_id": ["0" * 31 + "1"] * SPANS,
            "span_id": [f"{number + 1:016x}" for number in numbers],
            "parent_id": ["" if parent in (-1, number) else f"{parent + 1:016x}" for number, parent in zip(numbers, parents, strict=True)],
            "service": [f"s{number % 7}" for number in numbers],
            "name": ["get"] * SPANS,
            "kind": [kind if number % 2 else "server" for number in numbers],
            "start_ns": [START + number for number in numbers],
            "duration_ns": [1_000] * SPANS,
            "outcome": ["error" if number % 11 == 0 else "" for number in numbers],
            "peer": [""] * SPANS,
        }
    )
    pq.write_table(table, tmp_path / "one.parquet")
    done = observe(tmp_path / "one.parquet")
    assert done.code == 0
    assert done.peak < MOST
    assert done.told["counts"]["used"] == SPANS


ROWS, AT_ONCE, LONG = 4_000, 100, "x" * MIB
OWN: dict[str, Any] = {
    "trace_id": "0" * 31 + "1",
    "span_id": "0" * 15 + "1",
    "parent_id": "",
    "service": "a",
    "name": "get",
    "kind": "client",
    "start_ns": START,
    "duration_ns": 5,
    "outcome": "",
    "peer": "",
}
EXPORTED = {"TraceId": "1", "SpanId": "1", "ParentSpanId": "", "SpanName": "get", "ServiceName": "a", "Timestamp": START, "Duration": 5}


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY", "PLAIN"])
@pytest.mark.parametrize("column", ["trace_id", "name", "SpanAttributes"])
def test_a_parquet_file_that_is_small_on_disk_alone(column: str, encoding: str, tmp_path: Path) -> None:
    """Every row has the same megabyte, which the file keeps once or packs well."""
    if column == "SpanAttributes":
        one = {**EXPORTED, column: [("server.address", LONG)]}
        type_of = {column: pa.map_(pa.string(), pa.string())}
    else:
        one, type_of = {**OWN, column: LONG}, {}
    schema = pa.schema([(name, type_of.get(name, pa.array([value]).type)) for name, value in one.items()])
    is_dictionary = encoding == "RLE_DICTIONARY"
    leaf = "SpanAttributes.key_value.value" if type_of else column
    encodings = None if is_dictionary else {leaf: encoding}
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": is_dictionary, "column_encoding": encodings}
    rows = pa.record_batch([pa.array([value] * AT_ONCE, schema.field(name).type) for name, value in one.items()], schema=schema)
    with pq.ParquetWriter(tmp_path / "small.parquet", schema, **options) as file:
        for _ in range(ROWS // AT_ONCE):
            file.write_batch(rows)
    assert (tmp_path / "small.parquet").stat().st_size < 8 * MIB
    done = observe(tmp_path / "small.parquet")
    assert done.peak < MOST
    if column == "trace_id":
        assert done.code == 3
        assert f"span without an identifier: {ROWS:,}" in done.said
    else:
        assert done.told["counts"] == {"read": ROWS, "used": ROWS, "skipped": {}}
