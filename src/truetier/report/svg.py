"""The fleet as a picture: one band a tier, strictest on top, so that a healthy call stays level or points up.

The picture is placed by us, needs no foreign host, follows the reader's light or dark scheme, and says in words what it
shows by colour. A large fleet is not drawn whole: only the services that matter most, and the picture says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity
from truetier.availability.estimate import Verdict
from truetier.graph.hardness import Kind
from truetier.record import NamedTuple
from truetier.report import text, wording
from truetier.report.layout import Layout, place
from truetier.report.markup import escaped
from truetier.report.routing import Row, row, waypoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.availability.estimate import Assessment, Estimate
    from truetier.graph.build import Edge
    from truetier.report.document import Document

MOST_SERVICES = 400  # above, only the FEW that matter most
FEW = 150
MOST_EDGES = 2_000
LONGEST_LABEL = 21

_HEIGHT = 40.0  # of a box
_GAP = 18.0  # between boxes of a row
_ROW = 66.0  # from row to row
_PAD = 16.0
_GUTTER = 92.0  # for the name of a band
_LEAST_WIDTH = 400.0  # a telephone's, so that a small fleet needs no scrolling there
_LEGEND_TOP = 42.0
_LEGEND_ROW = 18.0
_SIGNS = {Verdict.MET: "✓", Verdict.MISSED: "✕", Verdict.UNKNOWN: "?", Verdict.NONE: ""}

_STYLE = """
.tt{--tt-bg:#fff;--tt-ink:#1c2330;--tt-dim:#5b6577;--tt-line:#818da1;--tt-strong:#5b6577;--tt-band:#f4f6f9;--tt-box:#fff;
--tt-edge:#c9d0da;--tt-bad:#c22f2f;--tt-warn:#a35c00;--tt-good:#1d7a46;--tt-badbox:#fdeeee;--tt-unsure:#6b4fb3;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px}
@media (prefers-color-scheme:dark){.tt{--tt-bg:#12161d;--tt-ink:#e6eaf1;--tt-dim:#9aa6b8;--tt-line:#66748a;--tt-strong:#93a1b5;
--tt-band:#191f29;--tt-box:#222a36;--tt-edge:#3d4859;--tt-bad:#ff7b72;--tt-warn:#e3a03a;--tt-good:#57c285;--tt-badbox:#3a2226;
--tt-unsure:#b69cf5}}@media print{.tt{--tt-bg:#fff;--tt-ink:#000;--tt-dim:#444;--tt-band:#f4f6f9;--tt-box:#fff}}
.tt text{fill:var(--tt-ink)}.tt .dim{fill:var(--tt-dim)}.tt .tier{font-size:18px;font-weight:700}.tt .page{fill:var(--tt-bg)}
.tt .band{fill:var(--tt-band)}.tt .box rect{fill:var(--tt-box);stroke:var(--tt-edge)}
.tt .box .bar{stroke:none;fill:var(--tt-edge)}.tt .met .bar{fill:var(--tt-good)}.tt .met .sign{fill:var(--tt-good)}
.tt .missed .frame{fill:var(--tt-badbox);stroke:var(--tt-bad)}.tt .missed .bar{fill:var(--tt-bad)}
.tt .missed .sign{fill:var(--tt-bad)}.tt .unknown .bar{fill:var(--tt-unsure)}.tt .unknown .sign{fill:var(--tt-unsure)}
.tt .sign{font-weight:700}.tt path{fill:none;stroke:var(--tt-line);stroke-width:1.1}
.tt path.strong{stroke:var(--tt-strong);stroke-width:1.4}.tt path.error{stroke:var(--tt-bad);stroke-width:2.2}
.tt path.warning{stroke:var(--tt-warn);stroke-width:2}.tt path.soft{stroke-dasharray:6 4}
.tt path.async{stroke-dasharray:.1 4.5;stroke-linecap:round;stroke-width:2}
.tt path.boot{stroke-dasharray:8 3 2 3}.tt marker path{stroke:none;fill:var(--tt-line)}
.tt marker.strong path{fill:var(--tt-strong)}.tt marker.error path{fill:var(--tt-bad)}.tt marker.warning path{fill:var(--tt-warn)}
.tt.crowd path.quiet{stroke-width:.9;opacity:.75}
"""


class _Line(NamedTuple):
    """An edge to draw: box numbers, how it looks, and what it says."""

    caller: int
    callee: int
    look: str  # hard, soft, async, boot
    stress: str  # quiet, strong, warning, error
    title: str


class _Picture(NamedTuple):
    """What is drawn: the services and what each delivers, their bands, and the edges between them."""

    subjects: list[Assessment]
    figures: list[str]
    bands: list[tuple[str | None, list[int]]]
    lines: list[_Line]
    left_out: int
    edges_left_out: int


def render(document: Document) -> str:
    """The picture as an SVG document that stands alone and can be put into a page."""
    picture = _picture(document)
    size = len(picture.subjects)
    columns = min(10, max(3, round(size**0.5)))
    layout = place([boxes for _, boxes in picture.bands], [(line.caller, line.callee) for line in picture.lines], columns)
    return _drawn(document, picture, layout)


def _picture(document: Document) -> _Picture:
    subjects = _chosen(document)
    tiers = [row.name for row in document.fleet.tiers]
    order: list[str | None] = [*tiers, None]
    of_tier: dict[str | None, list[int]] = {tier: [] for tier in order}
    for number, subject in enumerate(subjects):
        of_tier[subject.tier if subject.tier in of_tier else None].append(number)
    bands = [(tier, of_tier[tier]) for tier in order if of_tier[tier]]
    lines = list(_lines(document, subjects))
    rank = {"error": 0, "warning": 1, "strong": 2, "quiet": 3}
    lines.sort(key=lambda line: rank[line.stress])
    kept = lines[:MOST_EDGES]
    figures = [_figures(*wording.judged(subject, document.trust)) for subject in subjects]
    return _Picture(subjects, figures, bands, kept, len(document.services) - len(subjects), len(lines) - len(kept))


def _chosen(document: Document) -> list[Assessment]:
    """The services to draw: all of a small fleet, else missed ones and those with findings, then the most called."""
    if len(document.services) <= MOST_SERVICES:
        return list(document.services)
    named = {name for finding in document.findings for name in (*finding.path, finding.subject)}
    callers = document.graph.callers
    ranked = wording.missed_first(document.services)
    ranked.sort(key=lambda item: (item.verdict is not Verdict.MISSED, item.name not in named, -len(callers[item.name])))
    kept = {item.name for item in ranked[:FEW]}
    return [item for item in document.services if item.name in kept]


def _lines(document: Document, subjects: list[Assessment]) -> Iterator[_Line]:
    number = {subject.name: index for index, subject in enumerate(subjects)}
    blamed = _blamed(document)
    for subject in subjects:
        seen: dict[tuple[str, str], None] = {}
        hard: set[str] = set()
        for callee, look, words in (*_served(document, subject.name), *_booted(document, subject.name)):
            if callee not in number or (callee, look) in seen:
                continue
            seen[callee, look] = None
            if look == "hard":
                hard.add(callee)
            may_be_blamed = look == "hard" or (look == "boot" and callee not in hard)
            severity = blamed.get((subject.name, callee)) if may_be_blamed else None
            stress = "strong" if subject.verdict is Verdict.MISSED and look == "hard" else "quiet"
            title = f"{subject.name} -> {callee}: {words}" + (f", named by a finding ({severity.value})" if severity else "")
            yield _Line(number[subject.name], number[callee], look, severity.value if severity else stress, title)


def _served(document: Document, name: str) -> Iterator[tuple[str, str, str]]:
    """Whom the service needs to serve, with the look of the edge and the words for it."""
    for edge in document.graph.callees[name]:
        look = _look(edge)
        yield edge.callee, look, look


def _booted(document: Document, name: str) -> Iterator[tuple[str, str, str]]:
    """Whom the service needs only to start, recover or change."""
    for use in document.graph.uses[name]:
        if not use.need.at_serve:
            words = ", ".join(sorted(phase.value for phase in use.need.phases))
            yield from ((target.service, "boot", words) for target in use.need.targets)


def _look(edge: Edge) -> str:
    if edge.is_hard:
        return "hard"
    return "async" if edge.use.kind is Kind.ASYNC else "soft"


def _blamed(document: Document) -> dict[tuple[str, str], Severity]:
    """The worst finding that names each edge, as its subject or on its path; waived ones and notes name none."""
    worst: dict[tuple[str, str], Severity] = {}
    for finding in sorted(document.findings, key=lambda item: -item.severity.rank):
        if finding.is_waived or finding.severity is Severity.NOTE:
            continue
        for pair in (*zip(finding.path, finding.path[1:], strict=False), tuple(finding.subject.split(" -> ", 1))):
            if len(pair) == 2:
                worst[pair[0], pair[1]] = finding.severity
    return worst


class _Frame(NamedTuple):
    """Sizes of the drawing in pixels, and the top of each band."""

    box: float
    cell: float
    width: float
    height: float
    tops: list[float]
    centres: list[tuple[float, float]]


def _frame(picture: _Picture, layout: Layout) -> _Frame:
    labels = max((text.columns(_label(subject)) for subject in picture.subjects), default=8)
    longest = max(labels, max((text.columns(figures) + 2 for figures in picture.figures), default=8))
    box = max(96.0, 24.0 + 7.0 * longest)
    cell = box + _GAP
    width = max(_GUTTER + layout.width * cell + 2 * _PAD, _LEAST_WIDTH)
    tops = []
    top = max(y for _, y, _ in _legend(picture, width)) + 22
    for rows in layout.rows:
        tops.append(top)
        top += rows * _ROW + 2 * _PAD - 14
    left = _GUTTER + (width - _GUTTER - layout.width * cell) / 2
    centres = [(left + spot.x * cell, tops[spot.band] + _PAD + spot.row * _ROW + _HEIGHT / 2 + 1) for spot in layout.spots]
    return _Frame(box, cell, width, top + 8, tops, centres)


def _label(subject: Assessment) -> str:
    return text.clip(subject.name, LONGEST_LABEL)


def _figures(estimate: Estimate, tier: str | None) -> str:
    """What is delivered, short enough for a box: no zeros at the end, the low end of an interval."""
    figure = wording.percentage(estimate.up_low, estimate.down_high)
    return f"{text.clip(wording.tier_word(tier), 8)} {'' if estimate.is_known else '≥ '}{figure}"


def _drawn(document: Document, picture: _Picture, layout: Layout) -> str:
    frame = _frame(picture, layout)
    crowd = " crowd" if len(picture.lines) > 150 else ""
    size = f'viewBox="0 0 {frame.width:.0f} {frame.height:.0f}" width="{frame.width:.0f}" height="{frame.height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tt{crowd}" role="img" aria-labelledby="tt-title tt-desc" {size}>',
        f'<title id="tt-title">{escaped(_title(document))}</title>',
        f'<desc id="tt-desc">{escaped(_description(document, picture))}</desc>',
        f"<style>{_STYLE}</style>",
        "<defs>",
        *(_marker(stress) for stress in ("quiet", "strong", "warning", "error")),
        "</defs>",
        f'<rect class="page" width="{frame.width:.0f}" height="{frame.height:.0f}"/>',
        *_explained(picture, frame),
        *_bands(document, picture, layout, frame),
        *_paths(picture.lines, frame),
        *(_box(number, picture, frame) for number in range(len(picture.subjects))),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _title(document: Document) -> str:
    return f"{text.plural(len(document.services), 'service')} by tier, as of {document.as_of.isoformat()}"


def _description(document: Document, picture: _Picture) -> str:
    summary = document.summary
    words = f"Promises: {summary.missed} missed, {summary.met} met, {summary.unknown} unknown. "
    words += "Strictest tier on top; arrows point from caller to callee, so a healthy call stays in its band or points up."
    return words + _left_out(picture)


def _left_out(picture: _Picture) -> str:
    words = ""
    if picture.left_out:
        drawn = len(picture.subjects)
        words += f" {drawn:,} of {drawn + picture.left_out:,} services drawn: missed promises, then findings, then the most called."
    if picture.edges_left_out:
        words += f" {picture.edges_left_out:,} quiet edges left out."
    return words


def _marker(stress: str) -> str:
    size = 6 if stress == "quiet" else 7
    return (
        f'<marker id="tt-{stress}" class="{stress}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" markerHeight="{size}" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .8 8 4 0 7.2z"/></marker>'
    )


class _Sign(NamedTuple):
    """An entry of the legend: a line as it is drawn, or none for a sign in a box, and what it means."""

    look: str
    stress: str
    words: str

    @property
    def width(self) -> float:
        """The place it takes, with the gap before the next."""
        return (32 if self.look else 0) + 6.6 * len(self.words) + 16


_SERVE_SIGNS = (_Sign("hard", "strong", "hard"), _Sign("soft", "strong", "soft or group"), _Sign("async", "strong", "async"))
_BOOT_SIGN = _Sign("boot", "strong", "start, recover, change")
_OTHER_SIGNS = (
    _Sign("hard", "error", "named by an error"),
    _Sign("hard", "warning", "by a warning"),
    *(
        _Sign("", "", f"{_SIGNS[verdict]} {words}")
        for verdict, words in ((Verdict.MET, "promise kept"), (Verdict.MISSED, "missed"), (Verdict.UNKNOWN, "unknown"))
    ),
)


def _legend(picture: _Picture, width: float) -> list[tuple[float, float, _Sign]]:
    """The place of each entry, row by row; one that only few pictures need stands where it is needed."""
    boot = (_BOOT_SIGN,) if any(line.look == "boot" for line in picture.lines) else ()
    x, y = _PAD, _LEGEND_TOP
    found = []
    for sign in (*_SERVE_SIGNS, *boot, *_OTHER_SIGNS):
        if x > _PAD and x + sign.width - 16 > width - _PAD:
            x, y = _PAD, y + _LEGEND_ROW
        found.append((x, y, sign))
        x += sign.width
    return found


def _explained(picture: _Picture, frame: _Frame) -> Iterator[str]:
    words = f"Caller → callee. A healthy call stays in its band or points up.{_left_out(picture)}"
    yield f'<text class="dim" x="{_PAD:.0f}" y="22">{escaped(words)}</text>'
    for x, y, sign in _legend(picture, frame.width):
        if sign.look:
            yield f'<path class="{sign.look} {sign.stress}" d="M{x:.0f} {y:.0f}h26" marker-end="url(#tt-{sign.stress})"/>'
            x += 32  # noqa: PLW2901 - the words stand behind the line
        yield f'<text class="dim" x="{x:.0f}" y="{y + 4:.0f}">{sign.words}</text>'


def _bands(document: Document, picture: _Picture, layout: Layout, frame: _Frame) -> Iterator[str]:
    counts: dict[str | None, int] = {}
    for subject in document.services:
        counts[subject.tier] = counts.get(subject.tier, 0) + 1
    for (tier, boxes), top, rows in zip(picture.bands, frame.tops, layout.rows, strict=True):
        height = rows * _ROW + 2 * _PAD - 14 - 8
        yield f'<rect class="band" x="8" y="{top:.1f}" width="{frame.width - 16:.1f}" height="{height:.1f}" rx="8"/>'
        target = document.fleet.tier_promise(tier)
        count = text.plural(counts.get(tier, len(boxes)), "service")
        yield f'<text class="tier" x="20" y="{top + 30:.1f}">{escaped(text.clip(tier, 8) if tier else "no tier")}</text>'
        yield f'<text class="dim" x="20" y="{top + 47:.1f}">{escaped(str(target)) if target else "no promise"}</text>'
        if rows > 1 or height > 62:
            yield f'<text class="dim" x="20" y="{top + 63:.1f}">{count}</text>'


def _paths(lines: list[_Line], frame: _Frame) -> Iterator[str]:
    """Quiet edges first, so that the others lie on top."""
    ends = _ends(lines, frame)
    heights = sorted({y for _, y in frame.centres})
    number = {y: index for index, y in enumerate(heights)}
    rows = _rows(heights, frame)
    for index in sorted(range(len(lines)), key=lambda index: -("error", "warning", "strong", "quiet").index(lines[index].stress)):
        line = lines[index]
        end = ends[index]
        first, last = number[frame.centres[line.caller][1]], number[frame.centres[line.callee][1]]
        points = waypoints(rows, (end.x1, first), (end.x2, last), index, frame.cell / 2) if abs(first - last) > 1 else []
        yield (
            f'<path class="{line.look} {line.stress}" d="{_curve(end, points)}" marker-end="url(#tt-{line.stress})">'
            f"<title>{escaped(text.clip(line.title, 300))}</title></path>"
        )


def _rows(heights: list[float], frame: _Frame) -> list[Row]:
    boxes: dict[float, list[float]] = {y: [] for y in heights}
    for x, y in frame.centres:
        boxes[y].append(x)
    return [row(y, boxes[y], frame.box, _GUTTER + 8, frame.width - 12) for y in heights]


class _Ends(NamedTuple):
    """Both ends of an edge, and the way it leaves the caller: 1 down, -1 up."""

    x1: float
    y1: float
    x2: float
    y2: float
    way: int


def _ends(lines: list[_Line], frame: _Frame) -> list[_Ends]:
    """The ends of each edge; those on one side of a box are spread along it in the order of their other ends."""
    centres = frame.centres
    sides: dict[tuple[int, int], list[tuple[float, int, int]]] = {}  # box and side -> (x of the other end, edge, which end)
    for index, line in enumerate(lines):
        (x1, y1), (x2, y2) = centres[line.caller], centres[line.callee]
        way = -1 if y2 < y1 else 1
        sides.setdefault((line.caller, way), []).append((x2, index, 0))
        sides.setdefault((line.callee, way if y1 == y2 else -way), []).append((x1, index, 1))
    found: list[tuple[list[float], list[float]]] = [([], []) for _ in lines]
    for (box, side), ports in sides.items():
        ports.sort()
        x, y = centres[box]
        step = min(14.0, (frame.box - 24) / max(1, len(ports) - 1))
        for rank, (_, index, end) in enumerate(ports):
            found[index][end][:] = (x + (rank - (len(ports) - 1) / 2) * step, y + side * (_HEIGHT / 2 + end))
    ways = [-1 if centres[line.callee][1] < centres[line.caller][1] else 1 for line in lines]
    return [_Ends(start[0], start[1], end[0], end[1], way) for (start, end), way in zip(found, ways, strict=True)]


def _curve(end: _Ends, points: list[tuple[float, float]]) -> str:
    """A smooth path through the points; upright where it passes a row and where it meets a box."""
    x, y, way = end.x1, end.y1, end.way
    if abs(end.y2 - y) < 2 * _HEIGHT / 3:  # both in one row: below it
        low = y + 20.0 * way
        return f"M{x:.1f} {y:.1f}C{x:.1f} {low:.1f} {end.x2:.1f} {low:.1f} {end.x2:.1f} {end.y2:.1f}"
    path = f"M{x:.1f} {y:.1f}"
    for next_x, middle in points:
        path += _bend(x, y, next_x, middle - way * _HEIGHT / 2) + f"V{middle + way * _HEIGHT / 2:.1f}"
        x, y = next_x, middle + way * _HEIGHT / 2
    return path + _bend(x, y, end.x2, end.y2)


def _bend(x1: float, y1: float, x2: float, y2: float) -> str:
    if abs(x1 - x2) < 0.05:
        return f"V{y2:.1f}"
    middle = (y1 + y2) / 2
    return f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"


def _box(number: int, picture: _Picture, frame: _Frame) -> str:
    subject, wide = picture.subjects[number], frame.box
    x, y = frame.centres[number]
    left, top = x - wide / 2, y - _HEIGHT / 2
    sign = _SIGNS[subject.verdict]
    mark = f'<tspan class="sign">{sign}</tspan> ' if sign else ""
    return (
        f'<g class="box {subject.verdict.value}"><title>{escaped(_tooltip(subject))}</title>'
        f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{_HEIGHT:.0f}" rx="6"/>'
        f'<rect class="bar" x="{left:.1f}" y="{top + 6:.1f}" width="4" height="{_HEIGHT - 12:.0f}"/>'
        f'<text x="{left + 12:.1f}" y="{top + 17:.1f}">{escaped(_label(subject))}</text>'
        f'<text class="dim" x="{left + 12:.1f}" y="{top + 32:.1f}">{mark}{escaped(picture.figures[number])}</text></g>'
    )


def _tooltip(subject: Assessment) -> str:
    words = [
        f"{text.clip(subject.name)}: promises {wording.promise_text(subject)}",
        f"delivers {wording.availability_of(subject.delivered)} ({wording.method_text(subject.delivered)})",
        wording.downtime_of(subject.delivered),
        f"delivered tier {wording.tier_word(subject.delivered_tier)}, verified {wording.tier_word(subject.verified_tier)}",
    ]
    return "; ".join([*words, f"promise {subject.verdict.value}"] if subject.promise is not None else words)
