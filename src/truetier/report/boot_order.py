"""The order of a cold start, for a person and for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.report import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.graph.boot_loops import BootLoop
    from truetier.graph.hardness import Use
    from truetier.graph.order import BootOrder

SCHEMA = "truetier/boot-order/1"
_WIDTH = 100


def render(order: BootOrder) -> str:
    """The waves, then each loop with the steps that close it."""
    return "\n".join(_lines(order)) + "\n"


def render_json(order: BootOrder) -> str:
    """The same as JSON, schema ``truetier/boot-order/1``."""
    import json

    document = {
        "schema": SCHEMA,
        "waves": [list(wave) for wave in order.waves],
        "never": list(order.never),
        "loops": [_loop_json(loop) for loop in order.loops],
    }
    return json.dumps(document, indent=2) + "\n"


def _lines(order: BootOrder) -> Iterator[str]:
    total = sum(len(wave) for wave in order.waves)
    yield f"{text.plural(total, 'service')} up in {text.plural(len(order.waves), 'wave')}, {len(order.never):,} never"
    width = len(f"{len(order.waves):,}")
    for number, wave in enumerate(order.waves, 1):
        lines = text.wrapped(", ".join(text.clip(name) for name in wave), _WIDTH - width - 4)
        yield f"  {number:>{width},}  {lines[0]}"
        for line in lines[1:]:
            yield f"  {'':{width}}  {line}"
    for loop in order.loops:
        yield ""
        yield from _loop_lines(loop)


def _loop_lines(loop: BootLoop) -> Iterator[str]:
    yield f"BOOT LOOP of {text.plural(len(loop.members), 'service')}: up while it runs, never again after a full stop"
    for caller, use in zip(loop.path, loop.witness, strict=True):
        place = text.place_text(use.need.evidence.place)
        yield f"  {text.clip(caller)} needs {text.clip(str(use.need))} to {_phase(use)}" + (f"  ({place})" if place else "")
    rest = [name for name in loop.members if name not in set(loop.path)]
    if rest:
        yield from _named("also in the loop", rest)
    if loop.behind:
        yield from _named("kept down by it", list(loop.behind))


def _named(title: str, names: list[str]) -> Iterator[str]:
    lines = text.wrapped(f"{title}: " + ", ".join(text.clip(name) for name in names), _WIDTH - 2)
    yield from (f"  {line}" for line in lines)


def _phase(use: Use) -> str:
    """The phase that makes the caller wait, the earliest of those the need names."""
    phases = {phase.value for phase in use.need.phases}
    return next(name for name in ("start", "recover", "serve", "change") if name in phases)


def _loop_json(loop: BootLoop) -> Mapping[str, object]:
    return {
        "members": list(loop.members),
        "path": list(loop.path),
        "is_shortest": loop.is_shortest,
        "steps": [_step_json(caller, use) for caller, use in zip(loop.path, loop.witness, strict=True)],
        "behind": list(loop.behind),
    }


def _step_json(caller: str, use: Use) -> Mapping[str, object]:
    place = use.need.evidence.place
    return {
        "caller": caller,
        "needs": [target.service for target in use.need.targets],
        "phase": _phase(use),
        "location": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
    }
