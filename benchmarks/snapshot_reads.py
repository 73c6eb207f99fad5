"""A value of a running snapshot beside one of a plain dictionary and beside one flag of OpenFeature with flagd in file mode.

Usage: .venv/bin/python benchmarks/snapshot_reads.py [RUNS]; nanoseconds of CPU for each read, what a loop costs taken off.
flagd's provider comes with the extra ``bench``, the reader with ./runtime.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from measure import machine, spread
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

from truetier_runtime.adapters.flagd import flag_mistakes
from truetier_runtime.adapters.openfeature import FlagProvider
from truetier_runtime.examine import Rules
from truetier_runtime.publisher import new_key, private_key
from truetier_runtime.signature import Terms, TrustedKeys, public_bytes, sign
from truetier_runtime.snapshot import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

READS = 1_000_000
EVALUATIONS = 5_000
BAR_DICT, BAR_FLAGD = 3.0, 500.0
USERS = [EvaluationContext(f"user-{number}", {"email": f"{number}@example.com"}) for number in range(500)]
FLAGS = {
    "plain": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"},
    "share": {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, {"fractional": [["on", 30], ["off", 70]]}, "off"]},
    },
}
VALUES = {"x": True, "flags": FLAGS}


def main() -> None:
    """Prints what the page shows."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    peers = ", ".join(f"{name} {version(name)}" for name in ("openfeature-sdk", "openfeature-provider-flagd", "openfeature-flagd-core"))
    print(f"{machine()}; {peers}; {runs} alternating runs of {READS:,} reads and {EVALUATIONS:,} evaluations")
    with tempfile.TemporaryDirectory() as folder:
        reader, ours, theirs = _reader(), api.get_client("ours"), api.get_client("theirs")
        path = Path(folder) / "flags.json"
        path.write_text(json.dumps(VALUES), encoding="utf-8")
        api.set_provider_and_wait(FlagProvider(reader), "ours")
        # A deadline is how often it looks at its file: not while this runs.
        flagd = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=3_600_000)
        api.set_provider_and_wait(flagd, "theirs")
        _compare_answers(reader, ours, theirs)
        plain = {"x": True}
        rounds = [
            (
                _reads(lambda: _of_reader(reader)),
                _reads(lambda: _of_dict(plain)),
                *(_evaluations(client, key) for key in FLAGS for client in (ours, theirs)),
            )
            for _ in range(runs)
        ]
    read, bare, plain_ours, plain_theirs, share_ours, share_theirs = zip(*rounds, strict=True)
    _print('reader.values["x"] / plain["x"]', read, bare, f"at most {BAR_DICT:g}")
    _print('flagd, one flag without targeting / reader.values["x"]', plain_theirs, read, f"at least {BAR_FLAGD:g}")
    _print("FlagProvider / flagd, the same flag", plain_ours, plain_theirs)
    _print("FlagProvider / flagd, a flag with targeting and a share", share_ours, share_theirs)
    _print_taken_in(runs)


def _reader() -> Reader:
    key = private_key(new_key()[0])
    reader = Reader(Rules("bench", TrustedKeys([public_bytes(key)]), validate=flag_mistakes), {"flags": FLAGS})
    if mistakes := reader.offer(sign(json.dumps(VALUES).encode(), Terms("bench", 1, int(time.time()) + 3600), [key])):
        raise SystemExit(str(mistakes))
    return reader


def _print_taken_in(runs: int) -> None:
    """What a poll costs that brings something new: signature, JSON, checks of every flag, compiling, the swap. There is no disk in it."""
    flags = {
        f"flag-{number}": {**FLAGS["share"], "metadata": {"owner": f"team-{number % 50}", "about": "x" * 60}} for number in range(1_500)
    }
    key = private_key(new_key()[0])
    reader = Reader(Rules("bench", TrustedKeys([public_bytes(key)]), validate=flag_mistakes), {"flags": FLAGS})
    FlagProvider(reader).initialize(EvaluationContext())
    costs = []
    for number in range(1, runs + 1):
        document = sign(json.dumps({"n": number, "flags": flags}).encode(), Terms("bench", number, int(time.time()) + 3600), [key])
        begin = time.process_time()
        mistakes = reader.offer(document)
        costs.append((time.process_time() - begin) * 1e3)
        if mistakes:
            raise SystemExit(str(mistakes))
    found = spread(costs)
    print(
        f"a new document of {len(flags):,} flags, {len(document) / 1e3:.0f} kB, taken in: {found.median:.0f} ms"
        f" ({found.least:.0f} to {found.most:.0f}), on the poller's thread"
    )


def _compare_answers(reader: Reader, ours: api.OpenFeatureClient, theirs: api.OpenFeatureClient) -> None:
    """A faster answer that is wrong counts as none."""
    for user in USERS:
        for key in FLAGS:
            one, other = (client.get_boolean_details(key, False, user) for client in (ours, theirs))  # noqa: FBT003 - of the interface
            if (one.value, one.variant, one.reason, one.error_code) != (other.value, other.variant, other.reason, None):
                raise SystemExit(f"{key} for {user.targeting_key}: {one} is not {other}")
    if reader.values["x"] is not True:
        raise SystemExit("the reader gives another value")


# Each loop is written out: a call would cost more than what is measured. ``None`` of the same length is what is taken off.


def _of_reader(reader: Reader) -> None:
    for _ in range(READS):
        reader.values["x"]


def _of_dict(plain: dict[str, bool]) -> None:
    for _ in range(READS):
        plain["x"]


def _empty() -> None:
    for _ in range(READS):
        pass


def _reads(loop: Callable[[], None]) -> float:
    begin = time.process_time()
    loop()
    middle = time.process_time()
    _empty()
    return ((middle - begin) - (time.process_time() - middle)) / READS * 1e9


def _evaluations(client: api.OpenFeatureClient, key: str) -> float:
    evaluate = client.get_boolean_value
    begin = time.process_time()
    for number in range(EVALUATIONS):
        evaluate(key, False, USERS[number % 500])  # noqa: FBT003 - of the interface
    return (time.process_time() - begin) / EVALUATIONS * 1e9


def _print(title: str, ours: tuple[float, ...], theirs: tuple[float, ...], bar: str = "") -> None:
    ratio = spread([a / b for a, b in zip(ours, theirs, strict=True)])
    told = f", bar {bar}" if bar else ""
    print(
        f"{title:57} {spread(ours).median:8.1f} / {spread(theirs).median:8.1f} ns ="
        f" {ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f}){told}"
    )


if __name__ == "__main__":
    main()
