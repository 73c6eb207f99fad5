"""Hard, soft, partial or unknown: what telemetry shows of each edge, one verdict for each way in which the callee fails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from truetier.catalog.observed import ObservedMode, Verdict
from truetier.telemetry.noisy_or import PRIOR, Background, Pattern, Posterior, failures_needed, posteriors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from truetier.telemetry.mining import Mined

_SURE = 0.95
_CLEAN = -1  # stands for all windows of an edge in which nothing failed by itself
MODES = {1: "error", 2: "timeout", 3: "unreachable"}
_UNREACHABLE = 3
_STATED = (1.0, 99.0)  # a request fails by itself once in a hundred: taken where nothing shows how often
_STRENGTH = 2.0  # requests that what is known from other windows counts for


NEVER_SEEN = ObservedMode(Verdict.UNKNOWN, None, None, None, 0, 0, 7, ("never_failed",))  # seven failures, all alike, decide


class _Seen:
    """What the patterns say of one caller's cause, beside its posterior."""

    def __init__(self) -> None:
        self.calls = 0
        self.windows: set[int] = set()
        self.with_contrast = 0
        self.beside: set[tuple[int, int]] | None = None  # causes that were there every time
        self.logged = 0


def verdicts(mined: Mined, *, seed: int = 0) -> dict[tuple[int, int, int], ObservedMode]:
    """For each caller, callee and mode that was ever seen failing, what is known."""
    contrast = _Contrast(mined.contrast)
    sets = _sets(mined.sets)
    logged = _logged(mined.missed)
    causes: dict[tuple[int, int, int], int] = {}
    seen: dict[tuple[int, int, int], _Seen] = defaultdict(_Seen)
    windows: dict[tuple[int, int, int], int] = {}
    backgrounds: list[Background] = []
    alike: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(lambda: [0, 0])
    for row in _patterns(mined.patterns):
        caller, window = row["caller"], row["w"]
        members = sets[caller, row["a"], row["b"]]
        requests = row["n"] - row["unrecorded"]
        callee = contrast.nearest(caller, [callee for callee, _ in members], window)
        for member in members:
            _note(seen[caller, *member], members, member, has_contrast=contrast.has(caller, callee, window))
        if not requests:
            continue
        at = (caller, callee, contrast.window(caller, callee, window))
        if at not in windows:
            windows[at] = len(backgrounds)
            backgrounds.append(contrast.background(*at))
        numbers = tuple(causes.setdefault((caller, *member), len(causes)) for member in sorted(members))
        counts = alike[windows[at], numbers]
        counts[0] += requests
        counts[1] += row["failed"]
    patterns = [Pattern(window, numbers, *counts) for (window, numbers), counts in alike.items()]
    known = posteriors(patterns, backgrounds, len(causes), seed=seed) if patterns else []
    for row in mined.failed.to_pylist():
        failing = seen[row["caller"], row["callee"], row["mode"]]
        failing.calls += row["calls"]
        failing.windows.add(row["w"])
    for (caller, callee), by_window in logged.items():
        entry = seen[caller, callee, _UNREACHABLE]
        entry.logged = sum(by_window.values())
        entry.windows |= set(by_window)
    return {key: _evidence(seen[key], known[causes[key]] if key in causes else None) for key in sorted(seen)}


def _evidence(seen: _Seen, known: Posterior | None) -> ObservedMode:
    flags = []
    failed = seen.calls + seen.logged
    if seen.logged:
        # Each is a request that failed for want of the callee and says so: nothing has to be inferred.
        known = _direct(known, seen.logged)
        flags.append("by_log")
    if known is None:
        return NEVER_SEEN._replace(failed_calls=failed, windows=len(seen.windows), flags=("outcome_not_recorded",))
    verdict = _verdict(known)
    if seen.logged and verdict is Verdict.UNKNOWN and known.harmed > known.unharmed:
        verdict = Verdict.HARD
    if not seen.with_contrast and not seen.logged:
        flags.append("no_contrast")
    if len(seen.windows) == 1:
        flags.append("one_window")
    if seen.beside:
        flags.append("never_alone")
    needed = 0 if verdict is not Verdict.UNKNOWN else failures_needed(known)
    return ObservedMode(verdict, known.mean, known.low, known.high, failed, len(seen.windows), needed, tuple(flags))


def _verdict(known: Posterior) -> Verdict:
    if known.is_high >= _SURE:
        return Verdict.HARD
    if known.is_low >= _SURE:
        return Verdict.SOFT
    return Verdict.PARTIAL if 1.0 - known.is_high - known.is_low >= _SURE else Verdict.UNKNOWN


def _direct(known: Posterior | None, logged: int) -> Posterior:
    """The same with requests added that failed for want of the callee."""
    from scipy.stats import beta

    harmed, unharmed = (0.0, 0.0) if known is None else (known.harmed, known.unharmed)
    belief = beta(PRIOR + harmed + logged, PRIOR + unharmed)
    low, high = belief.ppf((0.025, 0.975))
    figures = map(float, (belief.mean(), low, high, belief.sf(0.8), belief.cdf(0.2), harmed + logged, unharmed))
    return Posterior(*figures)


def _note(seen: _Seen, members: frozenset[tuple[int, int]], cause: tuple[int, int], *, has_contrast: bool) -> None:
    seen.with_contrast += has_contrast
    others = set(members) - {cause}
    seen.beside = others if seen.beside is None else seen.beside & others


class _Contrast:
    """What requests of a caller did that asked a callee while nothing failed them, by window."""

    def __init__(self, table: pa.Table) -> None:
        self._counts: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._all: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
        self._clean: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in table.to_pylist():
            recorded = row["n"] - row["unrecorded"]
            if recorded:
                self._counts[row["caller"], row["callee"], row["w"]] = (recorded, row["failed"])
                n, failed = self._all[row["caller"], row["callee"]]
                self._all[row["caller"], row["callee"]] = (n + recorded, failed + row["failed"])
                if not row["failed"]:
                    self._clean[row["caller"], row["callee"]] = (self._clean[row["caller"], row["callee"]][0] + recorded, 0)

    def has(self, caller: int, callee: int, window: int) -> bool:
        """Whether there were any in that window."""
        return (caller, callee, window) in self._counts

    def nearest(self, caller: int, callees: Iterable[int], window: int) -> int:
        """Of several callees that failed together the one that was asked least: requests like these are compared with its."""
        return min(sorted(set(callees)), key=lambda callee: self._counts.get((caller, callee, window), (0, 0))[0])

    def window(self, caller: int, callee: int, window: int) -> int:
        """The window itself; one number for all in which such requests came and none failed: what differs between those is chance."""
        requests, failed = self._counts.get((caller, callee, window), (0, 0))
        return _CLEAN if requests and not failed else window

    def background(self, caller: int, callee: int, window: int) -> Background:
        """The prior from other windows, else the stated one; the counts of this window."""
        n, failed = self._clean[caller, callee] if window == _CLEAN else self._counts.get((caller, callee, window), (0, 0))
        everything, all_failed = self._all.get((caller, callee), (0, 0))
        others, others_failed = everything - n, all_failed - failed
        if not others:
            return Background(*_STATED, n, failed)
        mean = (others_failed + 0.5) / (others + 1.0)
        return Background(_STRENGTH * mean, _STRENGTH * (1.0 - mean), n, failed)


def _patterns(table: pa.Table) -> Iterable[dict[str, int]]:
    """Those of all parts summed, in order."""
    summed: dict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in table.to_pylist():
        counts = summed[row["caller"], row["w"], row["a"], row["b"]]
        for place, column in enumerate(("n", "failed", "unrecorded")):
            counts[place] += row[column]
    for key in sorted(summed):
        yield dict(zip(("caller", "w", "a", "b", "n", "failed", "unrecorded"), (*key, *summed[key]), strict=True))


def _sets(table: pa.Table) -> dict[tuple[int, int, int], frozenset[tuple[int, int]]]:
    found: dict[tuple[int, int, int], set[tuple[int, int]]] = defaultdict(set)
    for row in table.to_pylist():
        found[row["caller"], row["a"], row["b"]].add((row["callee"], row["mode"]))
    return {key: frozenset(members) for key, members in found.items()}


def _logged(table: pa.Table) -> dict[tuple[int, int], dict[int, int]]:
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for row in table.to_pylist():
        found[row["caller"], row["callee"]][row["w"]] = row["n"]
    return found
