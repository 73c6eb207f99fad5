"""From spans to counts: the mining plan, run part by part and summed.

Each part holds whole traces, so what is counted in one has nothing to do with the others, and the sums are those of one run over
all. What failed calls looked like is kept in small tables; only when all parts are counted is it known how long a caller waits
before it gives up, and then the failures are told apart and counted by the sets in which they came.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from truetier.record import NamedTuple
from truetier.telemetry.limits import limits
from truetier.telemetry.members import members

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.telemetry.engines import Engine
    from truetier.telemetry.spool import Spooled

_PLAN = files("truetier.telemetry") / "plan"
_ROUNDS = 7  # of climbing: 127 spans between a request and its call
# What each part leaves behind, and by what its rows are told apart when those of all parts are summed up.
_SUMS = {
    "durations": ("caller", "callee", "is_async", "f", "seen", "outlasted", "bucket"),
    "edges": ("caller", "callee", "is_async"),
    "quiet": ("svc", "w"),
    "contrast": ("caller", "callee", "w"),
    "present": ("svc",),
    "endpoints": ("svc", "name", "is_root"),
    "beside": ("caller", "failed", "asked"),
    "missed": ("caller", "callee", "w"),
}
_TOLD_APART = ("failed", "patterns", "sets")
_LEAST, _MOST = {"first_ns"}, {"last_ns"}
_UNDER_WAY = ".part"  # of a file that is being written
_LIMITS = pa.schema([("caller", pa.int64()), ("callee", pa.int64()), ("low_ns", pa.int64()), ("high_ns", pa.int64())])


class Mined(NamedTuple):
    """The tables that verdicts are drawn from; columns as the plan names them, numbers of names in ``names``.

    The last three have the rows of every part one after the other, so that a key may come several times.
    """

    names: Sequence[str]
    edges: pa.Table
    durations: pa.Table
    quiet: pa.Table
    contrast: pa.Table
    present: pa.Table
    endpoints: pa.Table
    beside: pa.Table
    missed: pa.Table
    limits: pa.Table
    failed: pa.Table
    patterns: pa.Table
    sets: pa.Table


def mine(spooled: Spooled, engine: Engine, *, progress: Callable[[int, int], None] | None = None) -> Mined:
    """Runs the plan over all parts. A part that an earlier run has finished is not done again."""
    _open(spooled, engine)
    whole = 2 * len(spooled.parts)
    for done, part in enumerate(spooled.parts):
        _count(spooled, engine, part)
        if progress is not None:
            progress(done + 1, whole)
    summed = {name: _of_all_parts(spooled, engine, name) for name in _SUMS}
    found = limits(summed["durations"])
    engine.give("limits", pa.Table.from_pylist(found, schema=_LIMITS))
    engine.give("recorded", pa.table({"svc": summed["endpoints"]["svc"].unique()}))
    told: dict[str, list[pa.Table]] = {name: [] for name in _TOLD_APART}
    for done, part in enumerate(spooled.parts):
        _tell_apart(spooled, engine, part)
        for name, of_parts in told.items():
            of_parts.append(engine.take(_text(name)))
        if progress is not None:
            progress(len(spooled.parts) + done + 1, whole)
    return Mined(
        pq.read_table(spooled.table("names"))["name"].to_pylist(),
        **summed,
        limits=pa.Table.from_pylist(found, schema=_LIMITS),
        **{name: pa.concat_tables(of_parts) for name, of_parts in told.items()},
    )


def calls(spooled: Spooled, engine: Engine) -> pa.Table:
    """Who calls whom: caller, callee, is_async, calls, errors. They are counted without looking for the requests behind them."""
    _open(spooled, engine)
    found = []
    for part in spooled.parts:
        _find_calls(spooled, engine, part)
        found.append(engine.take(_text("calls")))
    engine.give("parts", pa.concat_tables(found))
    return _summed(engine, found[0].column_names, _SUMS["edges"])


def digest_of_plan() -> str:
    """One text for the same steps: what others have counted is not summed with what these count."""
    steps = sorted(step.name for step in _PLAN.iterdir() if step.name.endswith(".sql"))
    return blake2b("".join((_PLAN / step).read_text(encoding="utf-8") for step in steps).encode(), digest_size=10).hexdigest()


def _open(spooled: Spooled, engine: Engine) -> None:
    for name in ("names", "links", "said", "by_log"):
        engine.open(name, [spooled.table(name)])


def _count(spooled: Spooled, engine: Engine, part: int) -> None:
    """The first half of the plan over one part; its last table written says that the part is done."""
    if os.path.exists(_file(spooled, "broken", part)):
        return
    _find_calls(spooled, engine, part)
    _run(engine, "requests", "failures", "broken", *_SUMS)
    for name in (*_SUMS, "broken"):
        file = _file(spooled, name, part)
        pq.write_table(engine.take(f"SELECT * FROM {name}"), file + _UNDER_WAY)  # noqa: S608 - a table of the plan
        os.replace(file + _UNDER_WAY, file)


def _find_calls(spooled: Spooled, engine: Engine, part: int) -> None:
    """Every call of one part, and the request that made it. What only some data needs is left out where it finds nothing."""
    _number(spooled, engine, part)
    for name in ("arrivals", "clients"):  # not kept: each use wants a few columns of them
        engine.view(name, _text(name))
    _run(engine, "linked", "met")
    is_loose = _count_of(engine, "met", "met.caller IS NULL") and engine.step("loose", _text("loose"))
    if is_loose and _count_of(engine, "loose", "loose.svc = loose.psvc"):
        engine.step("entries", _text("entries"))
    else:
        engine.view("entries", "SELECT * FROM arrivals")
    if is_loose:
        engine.step("direct", _text("direct"))
    else:
        engine.view("direct", "SELECT * FROM met WHERE met.caller IS NOT NULL")
    if engine.step("deep", _text("deep")):
        _climb(engine)
    else:
        engine.view("owned", "SELECT * FROM direct")


def _number(spooled: Spooled, engine: Engine, part: int) -> None:
    """Spans once each, as numbers, with all that is known of kinds and failures; what most data does not need is left out."""
    engine.open("raw", [spooled.spans(part)])
    if part in spooled.doubled and engine.step("doubled", _text("doubled")):
        engine.step("single", _text("single"))
    else:
        engine.open("single", [spooled.spans(part)])
    if _count_of(engine, "by_log"):
        engine.view("unlogged", _text("spans"))
        engine.step("spans", _text("logged"))
    else:
        engine.step("spans", _text("spans"))
    if _count_of(engine, "spans", "spans.k = 6"):
        engine.step("unkind", "SELECT * FROM spans")
        engine.step("spans", _text("kinds"))


def _climb(engine: Engine) -> None:
    """Finds the request behind calls that are made below other spans of it."""
    if _count_of(engine, "deep", "deep.stray = 1"):
        engine.step("strays", _text("strays"))
        engine.view("direct", "SELECT * FROM strays")
    engine.step("below", _text("below"))
    for _ in range(_ROUNDS):
        engine.step("below", _text("climbed"))
        if not _count_of(engine, "below", "below.moved = 1"):
            break
    _run(engine, "outer_clients", "owned")


def _tell_apart(spooled: Spooled, engine: Engine, part: int) -> None:
    """The second half: the failures of one part by how they failed, and in which sets."""
    engine.open("broken", [_file(spooled, "broken", part)])
    engine.step("moded", _text("moded"))
    found = engine.take("SELECT moded.callee AS callee, moded.mode AS mode FROM moded GROUP BY moded.callee, moded.mode")
    engine.give("members", members(found))
    engine.step("hurt", _text("hurt"))


def _of_all_parts(spooled: Spooled, engine: Engine, name: str) -> pa.Table:
    engine.open("parts", [_file(spooled, name, part) for part in spooled.parts])
    return _summed(engine, pq.read_schema(_file(spooled, name, spooled.parts[0])).names, _SUMS[name])


def _summed(engine: Engine, columns: Sequence[str], by: Sequence[str]) -> pa.Table:
    """What all parts have of one table, which is called parts."""
    ways = {column: "MIN" if column in _LEAST else "MAX" if column in _MOST else "SUM" for column in columns if column not in by}
    chosen = [f"parts.{column} AS {column}" for column in by]
    chosen += [f"{way}(parts.{column}) AS {column}" for column, way in ways.items()]
    keys = ", ".join(f"parts.{column}" for column in by)
    return engine.take(f"SELECT {', '.join(chosen)} FROM parts GROUP BY {keys} ORDER BY {keys}")  # noqa: S608 - names of the plan


def _run(engine: Engine, *steps: str) -> None:
    for name in steps:
        engine.step(name, _text(name))


def _count_of(engine: Engine, table: str, where: str = "1 = 1") -> int:
    found: int = engine.take(f"SELECT COUNT(*) AS n FROM {table} WHERE {where}")["n"][0].as_py()  # noqa: S608 - names of the plan
    return found


def _text(name: str) -> str:
    return (_PLAN / f"{name}.sql").read_text(encoding="utf-8")


def _file(spooled: Spooled, name: str, part: int) -> str:
    return os.path.join(spooled.folder, f"{name}-{part:03}.parquet")
