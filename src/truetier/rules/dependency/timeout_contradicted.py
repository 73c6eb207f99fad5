"""TT211: a caller that waits longer, or less long, than its catalog says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts

_CLOSE = 0.15  # relative: how exact a limit is read off durations, and a little more


class TimeoutContradicted(Rule):
    """The limit at which calls were seen to be given up is not the declared timeout."""

    code = "TT211"
    severity = Severity.WARNING
    title = "a caller gives up at another time than declared"
    why = (
        "A timeout decides whether a fallback gets its turn before the caller's own budget is spent. One that is longer in the program "
        "than in the catalog makes a soft need hard; one that is shorter fails calls that would have succeeded. It is read off where "
        "the durations of failed calls crowd, to about 7 percent; a difference of more than 15 percent is told."
    )
    fix = "change the timeout in the program or in the catalog"
    source = "Release It! (Nygard), stability patterns: timeouts"
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: ads, timeout: 200ms, fallback: static}]}
  ads:  {tier: T1}
""",
            ("shop -> ads",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 9000, "errors": 40, "timeout_ms": 1962.3}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: ads, timeout: 200ms, fallback: static}, {service: cart, timeout: 1s}]}
  ads:  {tier: T1}
  cart: {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 9000, "errors": 40, "timeout_ms": 196.2},
  {"caller": "shop", "callee": "cart", "kind": "sync", "calls": 9000, "errors": 0, "timeout_ms": null}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every plain need with a timeout that differs from the limit seen."""
        for (caller, callee), edge in facts.observed.items():
            stated = facts.uses(caller, callee)
            timeouts = [timeout for use in stated if (timeout := use.need.targets[0].timeout) is not None]
            if edge.timeout is None or not timeouts or any(_is_close(edge.timeout, timeout) for timeout in timeouts):
                continue
            declared = " or ".join(duration_text(timeout) for timeout in timeouts)
            seen = duration_text(timedelta(milliseconds=round(edge.timeout / timedelta(milliseconds=1))))
            yield Violation(
                edge.subject,
                f"{caller} was seen to wait about {seen} for {callee} before it gave up, but is said to wait {declared}",
                stated[0].need.evidence.place,
                (caller, callee),
                fix=f"let {caller} give up on {callee} after {declared}, or write down what it does",
            )


def _is_close(seen: timedelta, declared: timedelta) -> bool:
    return abs(seen / declared - 1) <= _CLOSE if declared else False
