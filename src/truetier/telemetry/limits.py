"""How long callers wait before they give up, found in how long failed calls took.

A caller that gives up does so at its limit, so the durations of such failures crowd into one or two buckets, above nearly all
calls that went well. Failures that come back at once crowd too: where nothing went well to compare with, a limit must be long, and
nothing must have been recorded of the callee in that time, or it must still have been at work when the caller gave up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_CALLS = 5
_LEAST_SHARE = 0.2  # of the failures
_MOST_ABOVE = 1 / 2000  # of the calls that went well, as long or longer
_LONG_NS = 400_000_000  # a limit that nothing shorter shows


def limits(durations: pa.Table) -> list[dict[str, int]]:
    """The limit of each edge that shows one: rows with caller, callee, low_ns and high_ns, between which its failures lie."""
    failed: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    unanswered: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    good: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in durations.to_pylist():
        if row["is_async"]:
            continue
        edge = (row["caller"], row["callee"])
        if not row["f"]:
            good[edge][row["bucket"]] += row["n"]
            continue
        failed[edge][row["bucket"]] += row["n"]
        if not row["seen"] or row["outlasted"]:
            unanswered[edge][row["bucket"]] += row["n"]
    found = []
    for edge in sorted(failed):
        bucket = _limit(failed[edge], unanswered[edge], good[edge])
        if bucket is not None:
            found.append({"caller": edge[0], "callee": edge[1], "low_ns": _begin(bucket), "high_ns": _begin(bucket + 2)})
    return found


def _limit(failed: dict[int, int], unanswered: dict[int, int], good: dict[int, int]) -> int | None:
    """The lower of the two buckets that the failures at the limit lie in, the highest such pair."""
    everything, well = sum(failed.values()), sum(good.values())
    for bucket in sorted({each - step for each in unanswered for step in (0, 1)}, reverse=True):
        here = unanswered.get(bucket, 0) + unanswered.get(bucket + 1, 0)
        if here < _LEAST_CALLS or here < _LEAST_SHARE * everything:
            continue
        above = sum(n for each, n in good.items() if each >= bucket)
        if above > _MOST_ABOVE * well:
            continue
        if not well and _begin(bucket) < _LONG_NS:
            continue
        return bucket if unanswered.get(bucket, 0) else bucket + 1
    return None


def _begin(bucket: int) -> int:
    """The first nanosecond of a bucket: the inverse of FLOOR(14 ln d + 0.123)."""
    return math.ceil(math.exp((bucket - 0.123) / 14))
