from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from truetier.audit.engine import run
from truetier.audit.facts import Facts
from truetier.audit.registry import all_rules
from truetier.audit.rule import EXAMPLE_DAY
from truetier.availability.assess import Assessments
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fleet, Need, Service, Target
from truetier.graph.build import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from truetier.audit.finding import Finding

SAID = Evidence(Kind.DECLARED, "truetier", None)


def fleet(count: int, edges: Iterable[tuple[int, int]], tier: Callable[[int], str | None]) -> Fleet:
    needs: list[list[Need]] = [[] for _ in range(count)]
    for caller, callee in edges:
        needs[caller].append(Need((Target(f"s{callee}", timedelta(seconds=1), 2),), SAID))
    return Fleet(
        {f"s{each}": Service(f"s{each}", SAID, tier=tier(each), layer=each % 7, needs=tuple(needs[each])) for each in range(count)}
    )


def audited(whole: Fleet) -> Sequence[Finding]:
    """The findings of every rule, nothing computed: what rules make of the graph alone."""
    return run(Facts(build(whole), Assessments({}, {}, {}), EXAMPLE_DAY), all_rules())[0]


def by_code(findings: Iterable[Finding]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for finding in findings:
        counted[finding.code] = counted.get(finding.code, 0) + 1
    return counted


def test_a_chain_of_ten_thousand_services_is_audited() -> None:
    findings = audited(fleet(10_000, ((each, each + 1) for each in range(9_999)), lambda each: "T1" if each == 0 else "T2"))
    counted = by_code(findings)
    assert (counted["TT101"], counted["TT106"], counted["TT208"]) == (1, 9_999, 1)
    assert max(finding.path_length for finding in findings) == 10_000
    assert max(len(finding.path) for finding in findings) == 50


def test_a_promise_is_followed_through_ten_thousand_services_without_a_tier() -> None:
    last = 9_999
    tiers = {0: "T1", last: "T3"}
    (finding,) = [found for found in audited(fleet(10_000, ((each, each + 1) for each in range(last)), tiers.get)) if found.code == "TT102"]
    assert (finding.subject, finding.path_length) == (f"s{last - 1} -> s{last}", 10_000)


def test_a_circle_of_ten_thousand_services_is_one_finding() -> None:
    counted = by_code(audited(fleet(10_000, ((each, (each + 1) % 10_000) for each in range(10_000)), lambda _: "T1")))
    assert counted["TT301"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_acyclic", [True, False])
def test_a_fleet_of_twenty_thousand_services_and_two_hundred_thousand_edges_is_audited(*, is_acyclic: bool) -> None:
    source = random.Random(7)
    pairs = ((source.randrange(20_000), source.randrange(20_000)) for _ in range(200_000))
    edges = [(min(pair), max(pair)) if is_acyclic else pair for pair in pairs if pair[0] != pair[1]]
    whole = fleet(20_000, edges, lambda _: source.choice(["T0", "T1", "T2", "T3", "T4", None]))
    start = time.process_time()
    findings = audited(whole)
    assert time.process_time() - start < 120
    assert len(findings) < 20_000 * 6 + 200_000 * 3
    assert by_code(findings).get("TT301", 0) == (0 if is_acyclic else 1)
