"""From a catalog as text to the facts a rule looks at, the way the program goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.facts import Facts
from truetier.audit.rule import EXAMPLE_DAY
from truetier.availability.assess import assess
from truetier.catalog.merge import merge
from truetier.graph.build import build
from truetier.graph.hardness import Reading
from truetier.sources.observed import read_observed
from truetier.sources.yaml_catalog import SOURCE

if TYPE_CHECKING:
    from datetime import date

    from truetier.catalog.model import Fleet


def fleet_of(catalog: str, observed: str = "") -> Fleet:
    contribution = SOURCE.collect(catalog.encode(), "truetier.yaml")
    assert contribution is not None
    return merge([contribution, *([read_observed(observed.encode(), "observed.json")] if observed else [])])


def facts_of(catalog: str, as_of: date = EXAMPLE_DAY, *, observed: str = "", trust: Reading = Reading.TRUSTING) -> Facts:
    return facts_about(fleet_of(catalog, observed), as_of, trust=trust)


def facts_about(fleet: Fleet, as_of: date = EXAMPLE_DAY, *, trust: Reading = Reading.TRUSTING) -> Facts:
    graph = build(fleet)
    computed = assess(graph, as_of, reading=trust)
    return Facts(graph, computed, as_of, trust=trust)
