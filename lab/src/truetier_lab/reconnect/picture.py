"""The runs as a picture: a panel for each case, what could be served and who had a session over time, as SVG.

Needs nothing from elsewhere, follows the reader's light or dark scheme, and says in words what it shows; lines differ not by colour alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.report.markup import escaped
from truetier_lab.reconnect.mechanisms import Mechanism
from truetier_lab.reconnect.outcome import spread
from truetier_lab.reconnect.theory import least_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truetier_lab.reconnect.outcome import Run, Sample

_LIGHT = {
    "bg": "#ffffff",
    "ink": "#1c2330",
    "dim": "#5b6577",
    "line": "#c9d0da",
    "band": "#e6e9ee",
    "served": "#0067b0",
    "session": "#b84c00",
}
_DARK = {
    "bg": "#12161d",
    "ink": "#e6eaf1",
    "dim": "#a3aec0",
    "line": "#3d4859",
    "band": "#2a323f",
    "served": "#62b5f5",
    "session": "#f09a55",
}
_WIDTH, _HEIGHT = 372.0, 84.0  # of a panel's plot
_LEFT, _GAP_X, _GAP_Y = 46.0, 58.0, 48.0
_TOP = 118.0
_COLUMNS = 2
_ACCESSIBLE = 'role="img" aria-labelledby="reconnect-title reconnect-desc"'
_FONT = 'font-family="system-ui,-apple-system,&quot;Segoe UI&quot;,Roboto,&quot;DejaVu Sans&quot;,sans-serif" font-size="12"'


def picture(runs: Sequence[Run]) -> str:
    """All cases. Runs of one case, one for each seed, share a panel; the first two panels are none and all, then alone and all but one."""
    panels = _panels(runs)
    plan = runs[0].plan
    rows = math.ceil(len(panels) / _COLUMNS)
    width = _LEFT + _COLUMNS * _WIDTH + (_COLUMNS - 1) * _GAP_X + 20
    height = _TOP + rows * (_HEIGHT + _GAP_Y) + 10
    seconds = plan.back + plan.watched
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {_ACCESSIBLE} {_FONT}>',
        f'<title id="reconnect-title">{plan.agents} agents through a blackout of their control plane</title>',
        f'<desc id="reconnect-desc">{escaped(" ".join(_told(panel) for panel in panels))}</desc>',
        f"<style>{_style(_LIGHT)}@media (prefers-color-scheme:dark){{{_style(_DARK)}}}</style>",
        f'<rect class="page" width="{width:g}" height="{height:g}"/>',
        *_legend(plan.agents),
        f'<text class="dim" x="{_LEFT:g}" y="{height - 12:g}">seconds since the blackout began; a line ends with its run</text>',
    ]
    for number, panel in enumerate(panels):
        x = _LEFT + number % _COLUMNS * (_WIDTH + _GAP_X)
        y = _TOP + number // _COLUMNS * (_HEIGHT + _GAP_Y)
        lines += [f'<g transform="translate({x:g} {y:g})">', *_panel(panel, seconds), "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panels(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs by case: none and all, then each mechanism alone beside all but it, whatever order they were run in."""
    found: dict[frozenset[Mechanism], list[Run]] = {}
    for run in runs:
        found.setdefault(run.case.mechanisms, []).append(run)
    whole = frozenset(Mechanism)
    order = [frozenset[Mechanism](), whole, *(side for one in Mechanism for side in (frozenset({one}), whole - {one}))]
    return [found[mechanisms] for mechanisms in order if mechanisms in found]


def _told(panel: Sequence[Run]) -> str:
    """One panel in words."""
    served = spread(panel, lambda run: run.worst)
    return f"{panel[0].case.name}: {_back(panel)}, at worst {served.median:.0%} of the agents can serve."


def _back(panel: Sequence[Run]) -> str:
    most = spread(panel, lambda run: run.recovered(0.95)).median
    nearly = spread(panel, lambda run: run.recovered(0.99)).median
    if nearly < math.inf:
        return f"99 % back after {nearly:.1f} s"
    return f"95 % back after {most:.1f} s" if most < math.inf else f"not back within {panel[0].plan.watched:g} s"


def _style(colours: dict[str, str]) -> str:
    words = (f".page{{fill:{colours['bg']}}}", f"text{{fill:{colours['ink']}}}", f".dim{{fill:{colours['dim']}}}", ".name{font-weight:600}")
    areas = (".title{font-weight:700;font-size:16px}", f".band{{fill:{colours['band']}}}", f".tip{{fill:{colours['ink']}}}")
    lines = (
        "path{fill:none}",
        f".grid{{stroke:{colours['line']}}}",
        f".mark{{stroke:{colours['ink']}}}",
        f".least{{stroke:{colours['dim']};stroke-dasharray:2 3}}",
        f".served{{stroke:{colours['served']};stroke-width:2.2}}",
        f".session{{stroke:{colours['session']};stroke-width:1.6;stroke-dasharray:6 2.5}}",
    )
    return "".join((*lines, *words, *areas))


def _legend(agents: int) -> Iterator[str]:
    yield f'<text class="title" x="{_LEFT:g}" y="28">{agents:,} agents through a blackout of their control plane</text>'
    entries = (
        ("served", "agents that can serve (goodput of the data plane)"),
        ("session", "agents with a session"),
        ("least", "as fast as the control plane can at all"),
    )
    x = _LEFT
    for name, words in entries:
        yield f'<path class="{name}" d="M{x:g} 48H{x + 30:g}"/><text x="{x + 36:g}" y="52">{words}</text>'
        x += 56 + 6.2 * len(words)
    yield f'<rect class="band" x="{_LEFT:g}" y="62" width="30" height="14"/><text x="{_LEFT + 36:g}" y="74">blackout</text>'
    x = _LEFT + 112
    yield f'<path class="mark" d="M{x:g} 62V76"/><path class="tip" d="{_tip(x, 62)}"/>'
    yield f'<text x="{x + 10:g}" y="74">99 % have a session again, and keep it (median of the seeds; each seed is a line)</text>'


def _panel(panel: Sequence[Run], seconds: float) -> Iterator[str]:
    plan = panel[0].plan

    def x(at: float) -> str:
        return f"{at / seconds * _WIDTH:.1f}"

    def y(share: float) -> str:
        return f"{(1 - share) * _HEIGHT:.1f}"

    yield f'<text class="name" x="0" y="-11">{escaped(panel[0].case.name)}</text>'
    yield f'<text class="dim" x="{_WIDTH:g}" y="-11" text-anchor="end">{escaped(_back(panel))}</text>'
    yield f'<rect class="band" x="{x(plan.calm)}" y="0" width="{x(plan.blackout)}" height="{_HEIGHT:g}"/>'
    yield f'<path class="grid" d="M0 0H{_WIDTH:g}M0 {y(0.5)}H{_WIDTH:g}M0 {_HEIGHT:g}H{_WIDTH:g}"/>'
    for share in (0.0, 0.5, 1.0):
        yield f'<text class="dim" x="-6" y="{(1 - share) * _HEIGHT + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    for at in range(0, math.floor(plan.blackout + plan.watched) + 1, 5):
        words = f"{at} s" if at == 0 else str(at)
        yield f'<text class="dim" x="{x(plan.calm + at)}" y="{_HEIGHT + 15:g}" text-anchor="middle">{words}</text>'
    least = plan.back + least_time(plan, panel[0].case.mechanisms)
    yield f'<path class="least" d="M{x(plan.back)} {y(0)}L{x(min(least, seconds))} {y(1)}"/>'
    for run in panel:
        opacity = 1.0 if len(panel) == 1 else 0.55
        yield f'<path class="session" stroke-opacity="{opacity}" d="{_line(run, x, y, lambda sample: sample.registered)}"/>'
        yield f'<path class="served" stroke-opacity="{opacity}" d="{_line(run, x, y, lambda sample: sample.served)}"/>'
    recovered = spread(panel, lambda run: run.recovered(0.99)).median
    if recovered < math.inf:
        back = x(plan.back + recovered)
        yield f'<path class="mark" d="M{back} 0V{_HEIGHT:g}"/><path class="tip" d="{_tip(float(back), 0)}"/>'


def _tip(x: float, y: float) -> str:
    return f"M{x - 3.5:g} {y - 5:g}h7l-3.5 5z"


def _line(run: Run, x: Callable[[float], str], y: Callable[[float], str], of: Callable[[Sample], int]) -> str:
    """A line through all looks; points between two of the same height are left out."""
    points = [(sample.at, of(sample)) for sample in run.samples]
    kept = [
        point
        for number, point in enumerate(points)
        if not 0 < number < len(points) - 1 or not points[number - 1][1] == point[1] == points[number + 1][1]
    ]
    return "M" + "L".join(f"{x(at)} {y(count / run.plan.agents)}" for at, count in kept)
