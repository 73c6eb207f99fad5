"""What runs the steps of the mining plan: an embedded engine, or one that is there already."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

import duckdb
import pyarrow as pa

from truetier.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

EMBEDDED, LOCAL_SPARK = "duckdb", "spark-local"
_CLUSTERS = ("spark://", "sc://")
_TYPES = {"int32": "INT", "int64": "BIGINT"}
_SIZE = re.compile(r"([1-9][0-9]*) ?([KMGT])i?B", re.IGNORECASE)


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


def is_cluster(name: str) -> bool:
    """Whether an engine of that name runs elsewhere, so that files have to lie where it sees them too."""
    return name.startswith(_CLUSTERS)


def engine_called(name: str, *, memory: str, spill: str) -> Engine:
    """The engine of that name: duckdb, spark-local, spark://HOST:PORT or sc://HOST:PORT.

    Raises UsageError for any other, and when the engine cannot be had.
    """
    if name == EMBEDDED:
        return DuckDB(memory=memory, spill=spill)
    if name == LOCAL_SPARK or is_cluster(name):
        return Spark(name, memory=memory, spill=spill)
    raise UsageError(f"no engine is called {name}: {EMBEDDED}, {LOCAL_SPARK}, spark://HOST:PORT or sc://HOST:PORT")


class DuckDB:
    """The engine that comes with truetier: in this process, in bounded memory, spilling to a folder past that.

    ``memory`` is a size like 500MB or 4GB; anything else raises UsageError.
    """

    def __init__(self, *, memory: str, spill: str, threads: int | None = None) -> None:
        number, unit = _size(memory)
        most = f"{number}{unit}B"
        settings: dict[str, str | bool | int | float | list[str]] = {"memory_limit": most, "temp_directory": spill}
        # What one step gives back the next one wants again; to hand it to the system in between costs a sixteenth of the time.
        settings |= {"allocator_flush_threshold": most, "allocator_bulk_deallocation_flush_threshold": most}
        if threads is not None:
            settings["threads"] = threads
        self._connection = duckdb.connect(config=settings)
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


class Spark:
    """An engine that is there already: Apache Spark. Each step is translated, and what it finds is kept where it was worked out.

    ``master`` is spark://HOST:PORT, sc://HOST:PORT (Spark Connect) or spark-local, a session of one's own on this machine that may
    take ``memory``. Files are named to it by their paths: a cluster must see them under the same.
    Raises UsageError when the extra ``spark``, Java or the cluster is missing.
    """

    def __init__(self, master: str, *, memory: str, spill: str) -> None:
        self._session = _session(master, memory, spill)

    def open(self, name: str, files: Sequence[str]) -> None:
        """Names Parquet files."""
        self._name(name, self._session.read.parquet(*map(os.path.abspath, files)))

    def give(self, name: str, table: pa.Table) -> None:
        """Sends a table there."""
        schema = ", ".join(f"{field.name} {_TYPES[str(field.type)]}" for field in table.schema)  # an empty one does not tell it
        self._name(name, self._session.createDataFrame(table, schema))

    def step(self, name: str, select: str) -> int:
        """Makes a table of what a SELECT finds; how many rows it has."""
        frame = self._found(select).localCheckpoint()  # what merely is cached keeps its plan, and plans of plans grow without end
        self._name(name, frame)
        rows: int = frame.count()
        return rows

    def view(self, name: str, select: str) -> None:
        """Names a SELECT."""
        self._name(name, self._found(select))

    def take(self, select: str) -> pa.Table:
        """What a SELECT finds."""
        return self._found(select).toArrow()

    def close(self) -> None:
        """Ends the session."""
        self._session.stop()

    def _found(self, select: str) -> DataFrame:
        import sqlglot

        (translated,) = sqlglot.transpile(select, read="duckdb", write="spark")
        return self._session.sql(translated)

    def _name(self, name: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(name)


def _session(master: str, memory: str, spill: str) -> SparkSession:
    try:
        import sqlglot  # noqa: F401 - translates every step: found missing here, not in the middle of the work
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise UsageError(f"the engine {master} needs {error.name}: install truetier[spark]") from error

    number, unit = _size(memory)
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.memory": f"{number}{unit.lower()}",
        "spark.local.dir": spill,
    }
    builder = SparkSession.builder.appName("truetier")
    try:
        if master.startswith("sc://"):
            return builder.remote(master).getOrCreate()
        if master == LOCAL_SPARK:
            settings["spark.sql.shuffle.partitions"] = str(2 * (os.cpu_count() or 1))  # a cluster knows its own
        for key, value in settings.items():
            builder = builder.config(key, value)
        return builder.master("local[*]" if master == LOCAL_SPARK else master).getOrCreate()
    except (PySparkException, Py4JError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UsageError(
            f"cannot reach the engine {master}; Java 17 or newer has to be installed, and the cluster to run: {first}"
        ) from error


def _size(text: str) -> tuple[int, str]:
    """A size of memory as number and unit: K, M, G or T."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"cannot give the engine {text} of memory: write a size like 500MB or 4GB")
    return int(found[1]), found[2].upper()
