"""What runs the steps of the mining plan: an embedded engine, or one that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import duckdb
import pyarrow as pa

from truetier.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Engine(Protocol):
    """Tables by name, and SELECTs over them. Steps are written in DuckDB's dialect, in the part of it that every engine knows."""

    def open(self, name: str, files: Sequence[str]) -> None:
        """Makes a table of Parquet files."""
        ...

    def give(self, name: str, table: pa.Table) -> None:
        """Makes a table of what is in memory."""
        ...

    def step(self, name: str, select: str) -> int:
        """Makes a table of what a SELECT finds, in place of an earlier one; how many rows it has."""
        ...

    def view(self, name: str, select: str) -> None:
        """Names a SELECT, which is worked out anew wherever the name is used."""
        ...

    def take(self, select: str) -> pa.Table:
        """What a SELECT finds; whole numbers have 64 bits."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...


class DuckDB:
    """The engine that comes with truetier: in this process, in bounded memory, spilling to a folder past that.

    ``memory`` is a size like 500MB or 4GB; anything else raises UsageError.
    """

    def __init__(self, *, memory: str, spill: str, threads: int | None = None) -> None:
        settings: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory, "temp_directory": spill}
        if threads is not None:
            settings["threads"] = threads
        try:
            self._connection = duckdb.connect(config=settings)
        except duckdb.Error as error:
            raise UsageError(f"cannot give the engine {memory} of memory: write a size like 500MB or 4GB") from error
        self._views: set[str] = set()

    def open(self, name: str, files: Sequence[str]) -> None:
        """Makes a view of Parquet files."""
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        self.view(name, f"SELECT * FROM read_parquet([{listed}])")  # noqa: S608 - quoted above

    def give(self, name: str, table: pa.Table) -> None:
        """Makes a table of what is in memory."""
        self._connection.register("given", table)
        self.step(name, "SELECT * FROM given")
        self._connection.unregister("given")

    def step(self, name: str, select: str) -> int:
        """Makes a table of what a SELECT finds; how many rows it has."""
        if name in self._views:
            self._drop(name)
        row = self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}").fetchone()
        return 0 if row is None else int(row[0])

    def view(self, name: str, select: str) -> None:
        """Names a SELECT."""
        self._drop(name)
        self._connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
        self._views.add(name)

    def take(self, select: str) -> pa.Table:
        """What a SELECT finds; sums of whole numbers have 128 bits here, and come out as decimals."""
        found = self._connection.sql(select).to_arrow_table()
        types = (pa.int64() if pa.types.is_decimal(field.type) else field.type for field in found.schema)
        return found.cast(pa.schema(list(zip(found.schema.names, types, strict=True))))

    def close(self) -> None:
        """Lets go of everything."""
        self._connection.close()

    def _drop(self, name: str) -> None:
        self._connection.execute(f"DROP {'VIEW' if name in self._views else 'TABLE'} IF EXISTS {name}")
        self._views.discard(name)
