"""The footer of a Parquet file, read by ourselves: as pyarrow reads it where it is sound, and a ValueError where it is not."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.traces.parquet_footer import Chunk, chunks

TABLE = pa.table(
    {
        "text": ["a", "b", None] * 30,
        "number": pa.array(range(90)),
        "map": pa.array([[("k", "v"), ("l", "w")]] * 90, pa.map_(pa.string(), pa.string())),
        "list": [["x"] * (number % 4) for number in range(90)],
        "flag": [True, False, None] * 30,
        "real": [0.5] * 90,
    }
)


def written(**options: Any) -> bytes:  # noqa: ANN401 - of pyarrow
    content = io.BytesIO()
    pq.write_table(TABLE, content, **options)
    return content.getvalue()


SOUND = [
    written(),
    written(row_group_size=7, compression="none"),
    written(use_dictionary=False, version="1.0"),
    written(use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"}),
    written(use_dictionary=["text"], write_statistics=False, data_page_version="2.0", write_page_index=True),
]


@pytest.mark.parametrize("content", SOUND, ids=range(len(SOUND)))
def test_it_says_what_pyarrow_says(content: bytes) -> None:
    metadata = pq.read_metadata(io.BytesIO(content))
    expected = [
        Chunk(
            place,
            group.num_rows,
            group.total_byte_size,
            column.path_in_schema,
            column.num_values,
            column.total_uncompressed_size,
            column.physical_type == "BYTE_ARRAY",
            column.has_dictionary_page,
            "DELTA_BYTE_ARRAY" in column.encodings,
        )
        for place, group in enumerate(map(metadata.row_group, range(metadata.num_row_groups)))
        for column in map(group.column, range(group.num_columns))
    ]
    assert list(chunks(io.BytesIO(content))) == expected


@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_one_is_read_or_refused(content: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(content)
    for back, byte in changes:
        damaged[-min(back, len(damaged))] = byte
    with contextlib.suppress(ValueError):
        list(chunks(io.BytesIO(bytes(damaged))))


@pytest.mark.parametrize(
    ("footer", "words"),
    [
        (b"", "cut off"),
        (b"\x1c" * 40, "too deep"),
        (b"\x19\xfc\xff\xff\xff\xff\x0f", "longer than the footer"),
        (b"\x16" + b"\xff" * 12, "more than 64 bits"),
        (b"\x1b\x00", "kind 11"),
        (b"\x00", "says too little"),
    ],
)
def test_one_that_makes_no_sense_is_refused_in_words(footer: bytes, words: str) -> None:
    content = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(ValueError, match=words):
        list(chunks(io.BytesIO(content)))


def test_one_that_is_larger_than_the_file_is_refused() -> None:
    for content in (b"", b"PAR1", b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1"):
        with pytest.raises(ValueError, match=r"a footer of|cut off"):
            list(chunks(io.BytesIO(content)))
