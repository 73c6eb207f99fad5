"""The programs that the lab starts."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import NO_PROGRAM


@pytest.fixture
def stores() -> None:
    """Skips where PostgreSQL or Redis is missing."""
    for program in ("psql", "redis-server"):
        if shutil.which(program) is None:
            pytest.skip(f"{NO_PROGRAM} {program}")
