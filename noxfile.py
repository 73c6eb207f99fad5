"""What `make test` does not try: other Pythons, the lowest allowed versions, the library alone, the pages. Run with `nox`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

PINNED = ("-c", "constraints.txt")
PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]
# Runs of the tests need these; what they rest on has no upper bound of its own.
TEST_TOOLS = tuple(
    line
    for line in Path("constraints.txt").read_text().splitlines()
    if re.match(r"(hypothesis|jsonschema|networkx|pydantic|pytest(-cov|-xdist)?)==", line)
)


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Every quick test under each Python."""
    session.install(*PINNED, "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The tests of behaviour with the oldest versions of what we need at run time."""
    lowest_of = [re.sub(r"^([A-Za-z0-9_.-]+)>=", r"\1==", need) for need in PROJECT["dependencies"]]
    session.install(*TEST_TOOLS, *lowest_of)
    session.install("--no-deps", "-e", ".")
    session.run("pytest", "--ignore=tests/shape", "--ignore=tests/golden", *session.posargs)


@nox.session(python="3.11")
def alone(session: nox.Session) -> None:
    """Installed as a user does, from a wheel and with nothing else: the first command works."""
    session.install(*PINNED, ".")
    session.run("truetier", "--version")
    session.run("truetier", "check", "catalog-examples/login", "--fail-on", "never")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """The pages, warnings as errors."""
    session.install(*PINNED, "-e", ".[docs]")
    session.run("sphinx-build", "--fail-on-warning", "docs", "docs/_build")
