from __future__ import annotations

import pytest

from tests.unit.graph.fleets import endpoint, graph, group, later, need, service, share, soft
from truetier.report import dot, mermaid

FLEET = graph(
    service(
        "shop", "cart", soft("ads"), later("mail", broker="queue"), group(1, "cdn-a", "cdn-b"), need("kyc", share=share("0.2")), tier="T1"
    ),
    service("cart", soft("prices", "stand-in", stand_in="old-prices"), need("conf", phases=("start", "serve")), tier="T2"),
    service("ads", need("conf", phases=("start",)), group(2, "cdn-a", "cdn-b", phases=("recover",)), tier="T4"),
    service("cdn-a", external=True),
    service(
        "pages", endpoints=(endpoint("buy", None, "cart", group(2, "cdn-a", "cdn-b")), endpoint("look", None, group(2, "a", "b", "c")))
    ),
)

HOSTILE = [
    'x"]; evil -> shop; "',
    "a\\",
    '\\"',
    "line\nbreak",
    "\x1b[31mred",
    "\u202eright to left",
    "<b>&amp;</b>",
    "&#10;",
    "end",
    "%%{init: {}}%%",
    "`code`",
    "#quot;",
    "a-->b",
    "\ud800",
    "\N{SNOWMAN} \N{CJK UNIFIED IDEOGRAPH-4E2D}",
]


def test_tiers_are_bands_and_needs_are_lines_in_dot() -> None:
    assert dot.render(FLEET).splitlines() == [
        "digraph truetier {",
        "  rankdir=TB;",
        '  node [shape=box, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
        "  subgraph cluster_0 {",
        '    label="T1 99.99%";',
        "    color=gray;",
        '    "shop" [label="shop"];',
        "  }",
        "  subgraph cluster_1 {",
        '    label="T2 99.9%";',
        "    color=gray;",
        '    "cart" [label="cart"];',
        "  }",
        "  subgraph cluster_2 {",
        '    label="T4";',
        "    color=gray;",
        '    "ads" [label="ads"];',
        "  }",
        "  subgraph cluster_3 {",
        '    label="no tier";',
        "    color=gray;",
        '    "cdn-a" [label="cdn-a", style=dashed];',
        *(
            f'    "{name}" [label="{name}"];'
            for name in ("pages", "mail", "queue", "cdn-b", "kyc", "prices", "old-prices", "conf", "a", "b", "c")
        ),
        "  }",
        '  "shop" -> "cart" [style=solid];',
        '  "shop" -> "ads" [style=dashed, label="static"];',
        '  "shop" -> "mail" [style=dotted];',
        '  "shop" -> "queue" [style=solid, label="broker"];',
        '  "shop" -> "cdn-a" [style=dashed, label="any of 2"];',
        '  "shop" -> "cdn-b" [style=dashed, label="any of 2"];',
        '  "shop" -> "kyc" [style=solid, label="20%"];',
        '  "cart" -> "prices" [style=dashed, label="stand-in"];',
        '  "cart" -> "old-prices" [style=dashed, label="stand-in"];',
        '  "cart" -> "conf" [style=solid, label="serve, start"];',
        '  "ads" -> "conf" [style=solid, color=gray, arrowhead=empty, label="start"];',
        '  "ads" -> "cdn-a" [style=solid, color=gray, arrowhead=empty, label="all 2, recover"];',
        '  "ads" -> "cdn-b" [style=solid, color=gray, arrowhead=empty, label="all 2, recover"];',
        '  "pages" -> "cart" [style=solid, label="/buy"];',
        '  "pages" -> "cdn-a" [style=solid, label="/buy, all 2"];',
        '  "pages" -> "cdn-b" [style=solid, label="/buy, all 2"];',
        '  "pages" -> "a" [style=dashed, label="/look, 2 of 3"];',
        '  "pages" -> "b" [style=dashed, label="/look, 2 of 3"];',
        '  "pages" -> "c" [style=dashed, label="/look, 2 of 3"];',
        "}",
    ]


def test_an_empty_fleet_is_still_a_drawing() -> None:
    assert dot.render(graph()).splitlines()[-1] == "}"
    assert mermaid.render(graph()) == "flowchart TB\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_ends_its_quotes_or_breaks_its_line_in_dot(name: str) -> None:
    text = dot.render(graph(service("shop", name)))
    assert text.isascii() or name == HOSTILE[-1]
    assert all(sign == "\n" or sign.isprintable() for sign in text)
    statements = [tokens(line) for line in text.splitlines()]
    assert sum("->" in found for found in statements) == 1
    assert sum(found.count("label") for found in statements) == 3


def tokens(line: str) -> list[str]:
    """The words of a line that stand outside quotes, read as Graphviz reads them: a backslash hides what follows."""
    outside, quoted, hidden = "", False, False
    for sign in line:
        if hidden:
            hidden = False
        elif quoted and sign == "\\":
            hidden = True
        elif sign == '"':
            quoted = not quoted
        elif not quoted:
            outside += sign
    assert not quoted
    return outside.replace("=", " ").replace("[", " ").split()


def test_names_that_look_alike_stay_apart() -> None:
    text = dot.render(graph(service("a\x1b"), service("a\\x1b"), service("a\\x1b_2")))
    assert '"a\\\\x1b" ' in text
    assert '"a\\\\x1b_2" ' in text
    assert '"a\\\\x1b_2_2" ' in text


def test_tiers_are_subgraphs_and_needs_are_lines_in_mermaid() -> None:
    fleet = graph(
        service("shop", "cart", soft("ads"), later("mail"), group(1, "ads", "mail"), need("end", phases=("start",)), tier="T1"),
        service("cart", tier="T2"),
        service("ads", external=True),
    )
    assert mermaid.render(fleet).splitlines() == [
        "flowchart TB",
        '  subgraph tier_0["T1 99.99#37;"]',
        '    s_shop["shop"]',
        "  end",
        '  subgraph tier_1["T2 99.9#37;"]',
        '    s_cart["cart"]',
        "  end",
        '  subgraph tier_2["no tier"]',
        '    s_ads["ads"]:::external',
        '    s_mail["mail"]',
        '    s_end["end"]',
        "  end",
        "  s_shop --> s_cart",
        '  s_shop -.->|"static"| s_ads',
        '  s_shop -.->|"async"| s_mail',
        '  s_shop -.->|"any of 2"| s_ads',
        '  s_shop -.->|"any of 2"| s_mail',
        '  s_shop -->|"start"| s_end',
        "  linkStyle 1,3,4 stroke-dasharray: 6 4",
        "  linkStyle 2 stroke-dasharray: 1 4",
        "  linkStyle 5 stroke: #999999",
        "  classDef external stroke-dasharray: 4 2",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_markup_in_mermaid(name: str) -> None:
    text = mermaid.render(graph(service("shop", name)))
    label = text.splitlines()[3].removeprefix("    s_").partition('["')[2].removesuffix('"]')
    assert all(sign.isalnum() or sign in " -_./:,@()+=#;" for sign in label)
    assert all(sign == "\n" or sign.isprintable() for sign in text)
    assert len(text.splitlines()) == 6


def test_names_that_are_spelt_alike_stay_apart_in_mermaid() -> None:
    text = mermaid.render(graph(service("a-b", "a.b"), service("a.b"), service("a b")))
    assert [line.partition("[")[0].strip() for line in text.splitlines() if line.startswith("    ")] == ["s_a_b", "s_a_b_2", "s_a_b_3"]
    assert "  s_a_b --> s_a_b_2" in text.splitlines()
