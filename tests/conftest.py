"""What every test can ask for, and the rule that in CI nothing skips in silence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TRUETIER_SHARED") or REPOSITORY.parent / "shared")
MUST_RUN_ALL = bool(os.environ.get("TRUETIER_REQUIRE_ALL"))
NO_SHARED_DATA = "needs the shared data"
NO_PROGRAM = "needs the program"

# No deadline: a busy machine is no bug. In CI the same examples every time: a red run must mean a change.
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if MUST_RUN_ALL or os.environ.get("CI") else "developer")

_programs_missed: set[str] = set()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs that lies beside the repository, too large to be part of it; skips where it is absent."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip(f"{NO_SHARED_DATA}: there is no folder {data} (TRUETIER_SHARED names another place)")
    return data


@pytest.fixture(scope="session")
def git() -> str:
    """The git program; skips where there is none."""
    found = shutil.which("git")
    if found is None:
        pytest.skip(f"{NO_PROGRAM} git")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a test that skips where everything must run."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips as a whole."""
    report = yield
    _judge(report)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remembers which programs were missed; with several workers only the process that reports sees them all."""
    reason = _skip_reason(report)
    if reason is not None and NO_PROGRAM in reason:
        _programs_missed.add(reason.rpartition(" ")[2])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Says as the very last line how to get what was missed."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and _programs_missed:
        terminal.write_line(f"tests were skipped for want of {', '.join(sorted(_programs_missed))}; as root on Debian: make system-deps")


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = _skip_reason(report)
    if reason is None or not MUST_RUN_ALL or (NO_SHARED_DATA in reason and not SHARED.is_dir()):
        return
    report.outcome = "failed"
    report.longrepr = f"{reason}\nbut TRUETIER_REQUIRE_ALL is set: nothing may skip, except for want of the shared data"


def _skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
