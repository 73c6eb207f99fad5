"""The picture, and the geometry under it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.documents import (
    DOCUMENTS,
    assessment,
    document,
    exactly,
    finding,
    fleet_of,
    hostile_document,
    large_document,
    login_document,
    need,
    service,
)
from truetier.audit.finding import Severity
from truetier.catalog.model import Phase, Target
from truetier.report import svg
from truetier.report.layout import place
from truetier.report.routing import crossing, row, waypoints

if TYPE_CHECKING:
    from truetier.report.document import Document

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each service's box."""
    found = []
    for frame in ET.fromstring(text).iter(f"{SVG}rect"):
        if frame.get("class") == "frame":
            x, y, wide, high = (float(frame.get(key, "nan")) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + wide, y + high))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_picture_is_a_document_with_a_title_and_words(name: str) -> None:
    root = ET.fromstring(svg.render(DOCUMENTS[name]()))
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    assert "href" not in svg.render(DOCUMENTS[name]())


def test_strict_tiers_stand_above_weak_ones() -> None:
    root = ET.fromstring(svg.render(login_document()))
    heights = {}
    for group in root.iter(f"{SVG}g"):
        label = group.find(f"{SVG}text")
        assert label is not None
        heights[label.text] = float(label.get("y", "nan"))
    assert heights["login"] < heights["user-profile"] == heights["fraud-detection"] < heights["notifications"]


def test_edges_show_hardness_and_blame() -> None:
    root = ET.fromstring(svg.render(login_document()))
    looks = {path[0].text: path.get("class") for path in root.iter(f"{SVG}path") if len(path)}
    assert looks["login -> user-profile: hard, named by a finding (error)"] == "hard error"
    assert looks["login -> notifications: async"] == "async quiet"


def booting_document() -> Document:
    """Two services that start one another, and a third that serves with one of them."""
    start = need("b", 2)._replace(phases=frozenset({Phase.START}))
    fleet = fleet_of(
        service("a", "T1", start, need("c")), service("b", "T1", start._replace(targets=(Target("a"),))), service("c", "T1", start)
    )
    loop = finding("a", path=("a", "b", "a"))
    return document(fleet, [assessment(name, "T1", exactly(0.0)) for name in "abc"], findings=[loop])


def test_what_is_needed_to_start_is_drawn_apart_and_blamed_for_a_boot_loop() -> None:
    root = ET.fromstring(svg.render(booting_document()))
    looks = {path[0].text: path.get("class") for path in root.iter(f"{SVG}path") if len(path)}
    assert looks == {
        "a -> c: hard": "hard quiet",
        "a -> b: start, named by a finding (error)": "boot error",
        "b -> a: start, named by a finding (error)": "boot error",
        "c -> b: start": "boot quiet",
    }
    assert "start, recover, change" in svg.render(booting_document())
    assert "start, recover, change" not in svg.render(login_document())


@pytest.mark.parametrize("name", ["login", "rich", "hostile"])
def test_every_entry_of_the_legend_stands_inside_the_picture(name: str) -> None:
    root = ET.fromstring(svg.render(DOCUMENTS[name]()))
    width = float(root.get("width", "nan"))
    top = min(float(rect.get("y", "nan")) for rect in root.iter(f"{SVG}rect") if rect.get("class") == "band")
    legend = [text for text in root.iter(f"{SVG}text") if float(text.get("y", "nan")) < top]
    assert len(legend) == 9
    assert all(float(text.get("x", "nan")) + 6.6 * len(text.text or "") <= width for text in legend[1:])


def test_a_small_fleet_fits_a_telephone() -> None:
    assert float(ET.fromstring(svg.render(login_document())).get("width", "nan")) <= 440


def test_every_colour_stands_out_from_its_ground() -> None:
    text = svg.render(login_document())
    light, dark = (dict(re.findall(r"--tt-(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r"\.tt\{(--tt-bg[^}]*)\}", text)[:2])
    for colours in (light, dark):
        assert all(contrast(colours[ink], colours[ground]) >= 4.5 for ink in ("ink", "dim") for ground in ("bg", "band", "box", "badbox"))
        assert all(contrast(colours[line], colours["band"]) >= 3 for line in ("line", "strong", "bad", "warn", "good", "unsure"))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    dark, light = sorted(luminance(colour.removeprefix("#")) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    full = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(full[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_waived_finding_blames_no_edge() -> None:
    shown = login_document()
    waived = shown._replace(findings=tuple(item._replace(is_waived=True) for item in shown.findings))
    assert svg.render(waived).count('class="hard error"') == 1  # the legend's
    noted = shown._replace(findings=tuple(item._replace(severity=Severity.NOTE) for item in shown.findings))
    assert svg.render(noted).count('class="hard error"') == 1


@pytest.mark.parametrize("count", [1, 2, 11, 40, 300])
def test_boxes_never_overlap_and_stay_inside(count: int) -> None:
    text = svg.render(large_document(count))
    found = boxes(text)
    assert len(found) == count
    width, height = (float(size) for size in re.findall(r' (?:width|height)="(\d+)"', text)[:2])
    assert all(left >= 0 and top >= 0 and right <= width and bottom <= height for left, top, right, bottom in found)
    found.sort(key=lambda box: (box[1], box[0]))
    for before, after in pairwise(found):
        assert after[1] > before[1] or after[0] >= before[2]


def test_a_picture_of_300_services_is_no_larger_than_a_wall_poster() -> None:
    text = svg.render(large_document(300))
    width, height = (float(size) for size in re.findall(r' (?:width|height)="(\d+)"', text)[:2])
    assert width < 2_200
    assert height < 4_000


def test_a_very_large_fleet_is_drawn_in_part_and_says_so() -> None:
    text = svg.render(large_document(10_000))
    assert len(boxes(text)) == svg.FEW
    assert "150 of 10,000 services drawn" in text
    assert len(text) < 1_000_000


def test_too_many_edges_are_left_out_quiet_ones_first() -> None:
    names = [f"s{number}" for number in range(80)]
    dense = fleet_of(*(service(name, "T1", *(need(other) for other in names if other != name)) for name in names))
    text = svg.render(document(dense, [item for item in large_document(80).services for item in [item._replace(name=f"s{item.name[4:]}")]]))
    assert "quiet edges left out" in text


def test_the_same_document_gives_the_same_picture() -> None:
    assert svg.render(large_document(60)) == svg.render(large_document(60))


def test_hostile_names_stay_text() -> None:
    text = svg.render(hostile_document())
    assert "<script" not in text
    titles = [title.text or "" for title in ET.fromstring(text).iter(f"{SVG}title")]
    assert any("<script>alert('1')</script>" in title for title in titles)
    assert all(title.isprintable() for title in titles)


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=120), st.integers(1, 6), st.integers(1, 4))
def test_every_box_has_its_own_place(edges: list[tuple[int, int]], columns: int, bands: int) -> None:
    layout = place([list(range(30))[band::bands] for band in range(bands)], edges, columns)
    for first in range(30):
        for second in range(first):
            one, other = layout.spots[first], layout.spots[second]
            assert (one.band, one.row) != (other.band, other.row) or abs(one.x - other.x) > 0.999
    assert all(0.499 <= spot.x <= layout.width - 0.499 for spot in layout.spots)


def test_a_caller_stands_above_its_callee_inside_a_band() -> None:
    layout = place([[0, 1, 2, 3]], [(3, 0), (0, 1), (1, 2)], 4)
    rows = [layout.spots[box].row for box in (3, 0, 1, 2)]
    assert rows == sorted(set(rows))


def test_a_long_chain_is_folded() -> None:
    layout = place([list(range(300))], [(box, box + 1) for box in range(299)], 10)
    assert layout.rows[0] < 80


def test_an_edge_passes_between_boxes_and_keeps_straight_where_it_can() -> None:
    middle = row(100.0, [50.0, 150.0], 80.0, 0.0, 300.0)
    assert crossing(middle, 100.0, 2) == 100.0
    assert 95 <= crossing(middle, 60.0, 0) <= 105 or crossing(middle, 60.0, 0) <= 5
    assert crossing(middle, 250.0, 0) == 250.0
    assert crossing(row(0.0, [], 80.0, 10.0, 0.0), 42.0, 0) == 42.0
    rows = [row(float(y), [], 80.0, 0.0, 300.0) for y in range(5)]
    assert waypoints(rows, (100.0, 0), (120.0, 4), 0, 50.0) == [(100.0, 1.0), (100.0, 2.0), (100.0, 3.0)]
    assert waypoints(rows, (0.0, 4), (300.0, 0), 0, 0.0) == [(75.0, 3.0), (150.0, 2.0), (225.0, 1.0)]
