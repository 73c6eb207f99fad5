"""Top events of fault trees, for a person and for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.report import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truetier.availability.fault_tree.analysis import Analysis, Importance
    from truetier.availability.fault_tree.cut_sets import CutSet, CutSets
    from truetier.availability.value import Value

SCHEMA = "truetier/fault-tree/1"
_ALL_BUT_CERTAIN = 1e-6
_SHOWN = 20  # events and cut sets of one model; JSON has all


def render(analyses: Sequence[Analysis]) -> str:
    """A line for each top event; below it what was asked for besides."""
    width = max((text.columns(_title(analysis)) for analysis in analyses), default=0)
    return "".join(f"{line}\n" for analysis in analyses for line in _lines(analysis, width))


def render_json(analyses: Sequence[Analysis]) -> str:
    """The same as JSON, schema ``truetier/fault-tree/1``."""
    import json

    return json.dumps({"schema": SCHEMA, "models": [_json(analysis) for analysis in analyses]}, indent=2) + "\n"


def _title(analysis: Analysis) -> str:
    return f"{text.clip(analysis.file)}  {text.clip(analysis.top)}"


def _lines(analysis: Analysis, width: int) -> Iterator[str]:
    yield f"{text.pad(_title(analysis), width)}  {_figure(analysis.probability)}"
    if analysis.importance is not None:
        yield from _importance_lines(analysis.importance)
    if analysis.cut_sets is not None:
        yield from _cut_set_lines(analysis.cut_sets)
    for reason in analysis.why_not:
        yield f"  {reason}"


def _figure(value: Value) -> str:
    """The probability; where it is all but certain, what is missing."""
    if not value.is_exact:
        return f"{value.up_low:.6g} to {value.up_high:.6g}, bounds: too large to be solved exactly"
    if 0 < value.down_low < _ALL_BUT_CERTAIN:
        return f"1 - {value.down_low:.15g}"
    return f"{value.up_low:.15g}"


def _importance_lines(importance: Sequence[Importance]) -> Iterator[str]:
    yield f"  {'criticality':>12}  {'Birnbaum':>12}  {'achievement':>12}  {'reduction':>12}  event"
    for each in importance[:_SHOWN]:
        reduction = "never else" if each.risk_reduction is None else f"{each.risk_reduction:.6g}"
        figures = f"{each.criticality:>12.6g}  {each.birnbaum:>12.6g}  {each.risk_achievement:>12.6g}  {reduction:>12}"
        yield f"  {figures}  {text.clip(each.event)}"
    if len(importance) > _SHOWN:
        yield f"  and {text.plural(len(importance) - _SHOWN, 'more event')}"


def _cut_set_lines(found: CutSets) -> Iterator[str]:
    count = text.plural(len(found.sets), "minimal cut set")
    yield f"  {count if found.is_complete else f'more than {count}'} of at most {text.plural(found.order, 'event')}"
    for each in found.sets[:_SHOWN]:
        yield f"  {each.probability:>12.6g}  {' + '.join(map(text.clip, _names(each)))}"
    if len(found.sets) > _SHOWN:
        yield f"  and {len(found.sets) - _SHOWN:,} more"


def _names(found: CutSet) -> list[str]:
    return [*found.present, *(f"not {name}" for name in found.absent)]


def _json(analysis: Analysis) -> Mapping[str, object]:
    value = analysis.probability
    found: dict[str, object] = {
        "file": analysis.file,
        "model": analysis.model,
        "top": analysis.top,
        "probability": value.up_low if value.is_exact else None,
        "low": value.up_low,
        "high": value.up_high,
        "complement": {"low": value.down_low, "value": value.down_low if value.is_exact else None, "high": value.down_high},
        "method": "exact" if value.is_exact else "interval",
        "gates": analysis.gates,
        "events": analysis.events,
        "nodes": analysis.nodes,
    }
    if analysis.importance is not None:
        found["importance"] = [each._asdict() for each in analysis.importance]
    if analysis.cut_sets is not None:
        found["cut_sets"] = {
            "order": analysis.cut_sets.order,
            "complete": analysis.cut_sets.is_complete,
            "sets": [
                {"events": list(each.present), "absent": list(each.absent), "probability": each.probability}
                for each in analysis.cut_sets.sets
            ],
        }
    if analysis.why_not:
        found["why_not"] = list(analysis.why_not)
    return found
