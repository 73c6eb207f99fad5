"""Random fleets with every kind of need, for the laws of the graph."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.unit.graph.fleets import endpoint, fleet, group, journey, later, need, service, share, soft

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet, Need, Service

NAMES = "abcdef"
PHASES = (("serve",), ("serve",), ("serve",), ("start",), ("recover",), ("start", "serve"), ("change",))


@st.composite
def needs(draw: st.DrawFn, caller: str) -> Need:
    others = [name for name in NAMES if name != caller]
    callee, other = draw(st.permutations(others))[:2]
    phases = draw(st.sampled_from(PHASES))
    kind = draw(st.sampled_from(["hard", "hard", "hard", "static", "cached", "stand-in", "group", "async", "broker", "share"]))
    match kind:
        case "hard":
            return need(callee, phases=phases)
        case "share":
            return need(callee, phases=phases, share=share("0.5"))
        case "static" | "cached":
            return soft(callee, kind, phases=phases)
        case "stand-in":
            return soft(callee, kind, stand_in=other, phases=phases)
        case "group":
            members = draw(st.lists(st.sampled_from(others), min_size=1, max_size=4, unique=True))
            return group(draw(st.integers(1, len(members))), *members, phases=phases)
        case _:
            return later(callee, broker=other if kind == "broker" else None, phases=phases)


@st.composite
def services(draw: st.DrawFn, name: str) -> Service:
    own = draw(st.lists(needs(name), max_size=3))
    drawn = draw(st.sampled_from([None, None, None, ("0.25", "0.75"), (None, None)]))
    parts = drawn and [endpoint(f"e{index}", part, *draw(st.lists(needs(name), max_size=1))) for index, part in enumerate(drawn)]
    tier = draw(st.sampled_from(["T0", "T1", "T2", "T3", "T4", None]))
    # A long budget: what the catalog calls soft is soft, so that a reference may read the catalog alone.
    return service(name, *own, tier=tier, budget=timedelta(hours=1), endpoints=tuple(parts or ()))


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Six services; some fleets have journeys."""
    criteria = st.one_of(
        st.sampled_from(NAMES), st.permutations(NAMES).flatmap(lambda names: st.tuples(st.integers(1, 2), st.just(tuple(names[:2]))))
    )
    journeys = [
        journey(f"j{index}", *draw(st.lists(criteria, min_size=1, max_size=2)), tier=draw(st.sampled_from(["T0", "T2", None])), users="0.5")
        for index in range(draw(st.integers(0, 2)))
    ]
    return fleet(*(draw(services(name)) for name in NAMES), journeys=journeys)
