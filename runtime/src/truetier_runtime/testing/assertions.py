"""What guards did, asserted over the facts that they told: each says what happened instead where it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier_runtime.guard import CLOSED_AGAIN, FELL_BACK, HEDGED, OPENED, PROBED, RETRIED
from truetier_runtime.testing.order import next_number

if TYPE_CHECKING:
    from truetier_runtime.guard import Guard
    from truetier_runtime.hooks import Fact
    from truetier_runtime.testing.scripted import Scripted

_MOST_SHOWN = 20


class Recorded:
    """A hook that keeps what it is told, ``Guard(..., hooks=(recorded,))``, and assertions over it. All raise AssertionError."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._numbered: list[tuple[int, Fact]] = []

    def __call__(self, fact: Fact) -> None:
        """Takes a fact."""
        self.facts.append(fact)
        self._numbered.append((next_number(), fact))

    def of(self, kind: str, subject: str | None = None) -> list[Fact]:
        """The facts of a kind, of one subject or of all."""
        return [fact for fact in self.facts if fact.kind == kind and subject in {None, fact.subject}]

    def assert_told(self, kind: str, subject: str | None = None, *, times: int | None = None) -> None:
        """That there were facts of a kind: exactly so many ``times``, at least one where it is not given."""
        found = len(self.of(kind, subject))
        if found == times or (times is None and found):
            return
        wanted = "at least once" if times is None else f"{times} times"
        raise AssertionError(f"{subject or 'anybody'}: {kind!r} was expected {wanted}, found {found} times\n{self._shown(subject)}")

    def assert_opened(self, callee: str) -> None:
        """That the breaker of a callee opened."""
        self.assert_told(OPENED, callee)

    def assert_fell_back(self, callee: str, *, times: int | None = None) -> None:
        """That the fallback answered for a callee."""
        self.assert_told(FELL_BACK, callee, times=times)

    def assert_retried_at_most(self, share: float, guard: Guard) -> None:
        """That retries and hedges of a guard were no more than a share of its requests."""
        again = len(self.of(RETRIED, guard.callee)) + len(self.of(HEDGED, guard.callee))
        counts = guard.counts()
        requests = counts.good + counts.failed + counts.cancelled - again
        if again > share * requests:
            found = f"{again} to {requests} requests" + (f", {again / requests:.1%}" if requests > 0 else "")
            raise AssertionError(
                f"{guard.callee}: retries of at most {share:.1%} were expected, found {found}\n{self._shown(guard.callee)}"
            )

    def assert_never_called_while_open(self, callee: str, dependency: Scripted) -> None:
        """That nothing reached a dependency from when its breaker opened until it let a probe through."""
        changes = {OPENED, PROBED, CLOSED_AGAIN}
        events: list[tuple[int, str, object]] = [
            (number, fact.kind, fact) for number, fact in self._numbered if fact.subject == callee and fact.kind in changes
        ]
        events += [(call.number, "", call) for call in dependency.calls]
        is_open = False
        wrong = []
        for _, kind, event in sorted(events, key=lambda each: each[0]):
            if kind:
                is_open = kind == OPENED
            elif is_open:
                wrong.append(f"  {event!r}")
        if wrong:
            raise AssertionError("\n".join([f"{callee}: called {len(wrong)} times while its breaker was open", *wrong[:_MOST_SHOWN]]))

    def _shown(self, subject: str | None) -> str:
        facts = [fact for fact in self.facts if subject in {None, fact.subject}]
        lines = [f"  at {fact.at:g}: {fact.subject}: {fact.kind} {fact.detail}".rstrip() for fact in facts[:_MOST_SHOWN]]
        more = [f"  and {len(facts) - _MOST_SHOWN} more"] if len(facts) > _MOST_SHOWN else []
        return "\n".join(["told were:", *lines, *more]) if lines else "nothing was told"
