"""A fleet whose guards are set as its catalog says: what `check` finds without and with their facts, and computed against measured.

The same schedules are run a second time with a breaker on every call. A breaker that has opened in a fault stays open for a while after
it: callers fail for longer than their callee does. That is computed, too, and held against what the second run measures.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from truetier.app.check import check
from truetier_lab.experiment import Result, latest_of, learned, measured, pairs_of, predicted
from truetier_lab.guarding import BREAKER
from truetier_lab.place import CATALOG
from truetier_lab.planted import Manner

if TYPE_CHECKING:
    from collections.abc import Callable

LEARNED, PREDICTED = 20, 16  # schedules


class Declared(NamedTuple):
    """Findings without and with the facts of the guards, and what was compared without breakers and with them."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    plain: Result
    with_breakers: Result

    @property
    def holds(self) -> bool:
        """Whether there were findings, the facts answer all of them, and what is computed matches."""
        return bool(self.before) and not self.after and self.plain.matches and self.with_breakers.matches


def findings(*evidence: str) -> tuple[str, ...]:
    """What `check` finds today in the lab's catalog with these files or folders of evidence, a line each."""
    found = check((str(CATALOG),), as_of=datetime.now(UTC).date(), evidence=evidence).findings
    return tuple(f"{each.code} {each.slug}: {each.subject}" for each in found)


def as_declared(folder: str, *, seed: int, learn: int = LEARNED, predict: int = PREDICTED, say: Callable[[str], None]) -> Declared:
    """Runs it in an empty folder."""
    begin = time.monotonic()
    known = learned(os.path.join(folder, "learn"), learn, Manner.DECLARED, seed=seed, say=say)
    before, after = findings(), findings(os.path.join(folder, "learn", "facts"))
    results = []
    for manner, predictor in ((Manner.DECLARED, known.predictor), (Manner.BREAKERS, known.predictor.with_breaker(BREAKER))):
        expected, others = predicted(predictor, predict, seed=seed, say=say)
        found = measured(os.path.join(folder, manner), others, manner, say)
        latest, minutes = max(known.latest, latest_of(found)), (time.monotonic() - begin) / 60
        results.append(Result(pairs_of(expected, found), (), learn, predict, seed, latest, minutes))
    return Declared(before, after, *results)
