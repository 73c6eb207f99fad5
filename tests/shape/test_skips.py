"""The rule of tests/conftest.py: in CI nothing skips, except for want of the shared data where that is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SKIPS = """
import pytest

def test_that_skips():
    pytest.skip("no reason good enough")

@pytest.mark.skip(reason="marked")
def test_marked():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail():
    assert False
"""
NEEDS_SHARED = """
def test_real_input(shared_data):
    assert shared_data.is_dir()
"""
NEEDS_GIT = """
def test_history(git):
    assert git
"""


@pytest.fixture(autouse=True)
def same_conftest(pytester: pytest.Pytester, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the inner tests under our own conftest, in a place without anything."""
    pytester.makeconftest((repository / "tests" / "conftest.py").read_text())
    for name in ("TRUETIER_REQUIRE_ALL", "TRUETIER_SHARED"):
        monkeypatch.delenv(name, raising=False)


def test_a_developer_may_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPS)
    pytester.runpytest_subprocess().assert_outcomes(skipped=2, xfailed=1)


def test_ci_fails_whatever_skips_but_not_an_expected_failure(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUETIER_REQUIRE_ALL", "1")
    pytester.makepyfile(SKIPS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*no reason good enough*", "*nothing may skip*"])


def test_ci_fails_a_file_that_skips_as_a_whole(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUETIER_REQUIRE_ALL", "1")
    pytester.makepyfile("import pytest\npytest.importorskip('a_library_nobody_has')")
    pytester.runpytest_subprocess().assert_outcomes(errors=1)


def test_ci_may_skip_what_needs_the_shared_data_where_there_is_none(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUETIER_REQUIRE_ALL", "1")
    monkeypatch.setenv("TRUETIER_SHARED", str(pytester.path / "nowhere"))
    pytester.makepyfile(NEEDS_SHARED)
    pytester.runpytest_subprocess().assert_outcomes(skipped=1)


def test_shared_data_without_its_folder_of_data_is_no_excuse(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUETIER_REQUIRE_ALL", "1")
    monkeypatch.setenv("TRUETIER_SHARED", str(pytester.mkdir("shared")))
    pytester.makepyfile(NEEDS_SHARED)
    pytester.runpytest_subprocess().assert_outcomes(errors=1)


def test_the_last_line_says_how_to_get_a_missing_program(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(pytester.mkdir("empty")))
    pytester.makepyfile(NEEDS_GIT)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(skipped=1)
    assert "want of git" in result.outlines[-1]
    assert "make system-deps" in result.outlines[-1]
