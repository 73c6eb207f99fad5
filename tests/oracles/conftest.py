"""Prints what the oracle counted, also where tests run in several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

COUNTED = "constructs counted"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the counts that passing and failing tests left behind."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", ()):
                if name == COUNTED and report.when == "call":
                    terminalreporter.write_line(str(value))
