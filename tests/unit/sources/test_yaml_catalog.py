"""A catalog that is right: every key arrives in the model, with its place; and what counts as a catalog at all."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.catalog.merge import merge
from truetier.catalog.model import Criterion, Plane, Waiver
from truetier.catalog.tier import BUILT_IN, Tier, TierTable
from truetier.errors import CatalogError, Place
from truetier.sources.yaml_catalog import SOURCE, json_schema, read
from truetier.sources.yaml_catalog.reference import page
from truetier.sources.yaml_catalog.schema import CATALOG, AnyOf, ListOf, MapOf, Table
from truetier.sources.yaml_catalog.starter import STARTER
from truetier.sources.yaml_tree import Node, parse_yaml
from truetier.units import Availability, Share

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.errors import Mistake
    from truetier.sources.yaml_catalog.schema import Shape

EVERY_KEY = """\
version: 1
services:
  shop:
    tier: 1
    target: 99.95%
    availability: 99.99%
    observed: 99.9%
    owner: web
    plane: control
    layer: 2
    budget: 800ms
    mttr: 30m
    aliases: [storefront, "shop-*"]
    cells: 4
    external: true
    needs: [pay]
    endpoints:
      buy: {tier: T1, share: 10%, needs: [pay]}
      browse: {share: 90%}
  pay:
domains:
  east: {kind: cell, availability: 99.99%, mttr: 2h}
  east/a: {}
  east/a/b:
journeys:
  order: {tier: T1, succeeds: [shop, {any_of: [pay, shop]}, {k: 2, of: [pay, shop]}], users: 40%}
waivers:
  - {rule: inversion, subject: shop -> pay, owner: web, reason: "a\\n  reason", expires: 2027-03-31}
policy:
  tiers: {T1: {target: 99.9%}, gold: {target: 0.5}, T4: }
"""


def catalog(text: str, file: str = "f") -> object:
    """What a catalog says, or None when it is none."""
    return SOURCE.collect(text.encode(), file)


def test_every_key_of_a_service_arrives() -> None:
    shop, pay = read(EVERY_KEY.encode(), "f").services
    assert (shop.name, shop.tier, shop.owner, shop.plane, shop.layer, shop.cells) == ("shop", "T1", "web", Plane.CONTROL, 2, 4)
    assert [shop.target, shop.availability, shop.observed] == [Availability(Decimal(text)) for text in ("0.9995", "0.9999", "0.999")]
    assert (shop.budget, shop.mttr, shop.external) == (timedelta(milliseconds=800), timedelta(minutes=30), True)
    assert shop.aliases == ("storefront", "shop-*")
    assert [(endpoint.name, endpoint.tier, endpoint.share) for endpoint in shop.endpoints] == [
        ("buy", "T1", Share(Decimal("0.1"))),
        ("browse", None, Share(Decimal("0.9"))),
    ]
    assert shop.has_shares
    assert (pay.name, pay.tier, pay.keys) == ("pay", None, {})


def test_every_stated_key_knows_its_place() -> None:
    shop = read(EVERY_KEY.encode(), "f").services[0]
    assert shop.evidence.place == Place("f", 3, 3)
    assert shop.keys["tier"].place == Place("f", 4, 11)
    assert shop.keys["aliases"].place == Place("f", 13, 14)
    assert shop.endpoints[0].evidence.place == Place("f", 18, 7)
    assert "placement" not in shop.keys


def test_the_keys_of_a_placement_know_their_places_too() -> None:
    service = read(b"services: {a: {placement: {copies: {r: 2}, availability: 99%}}}", "f").services[0]
    assert service.keys["placement.availability"].place == Place("f", 1, 58)
    assert set(service.keys) == {"placement", "placement.copies", "placement.availability"}


def test_domains_journeys_waivers_and_tiers_arrive() -> None:
    found = read(EVERY_KEY.encode(), "f")
    assert [(domain.path, domain.kind) for domain in found.domains] == [("east", "cell"), ("east/a", "zone"), ("east/a/b", "part")]
    (journey,) = found.journeys
    assert journey.succeeds == (
        Criterion(("shop",)),
        Criterion(("pay", "shop"), 1, is_group=True),
        Criterion(("pay", "shop"), 2, is_group=True),
    )
    (waiver,) = found.waivers
    assert waiver == Waiver("inversion", "shop -> pay", "web", "a reason", date(2027, 3, 31), waiver.evidence)
    rows = (Tier("T1", Availability(Decimal("0.999"))), Tier("gold", Availability(Decimal("0.5"))), Tier("T4", None))
    assert found.tiers == TierTable(rows)


def test_an_anchor_shared_by_services_works() -> None:
    text = "services:\n  a: &usual {tier: T2, owner: x}\n  b: {<<: *usual, tier: T3}\n  c: *usual\n"
    assert [(service.tier, service.owner) for service in read(text.encode(), "f").services] == [("T2", "x"), ("T3", "x"), ("T2", "x")]


def test_json_is_a_catalog_too() -> None:
    assert read(b'{"services": {"a": {"tier": "T1", "needs": ["b"]},\n\t"b": {"external": true}}}', "truetier.json").services[1].external


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Service\nservices: {}\n",
        "services:\n  web: {image: nginx, depends_on: [db]}\n  db: {image: postgres}\n",
        "version: '3'\nservices: {db: {}}\nvolumes: {data: {}}\n",
        "version: 1\nservices: {db: {build: .}}\n",
        "services:\n  _defaults: {autowire: true}\n",
        "language: python\nservices: [docker]\n",
        "version: 2\nupdates: []\n",
        "- a\n",
        "text\n",
        "domains: [example.org]\n",
        "policy: {retention: 3d}\n",
    ],
)
def test_what_belongs_to_others_is_left_to_them(text: str) -> None:
    assert catalog(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a: {tier: T1}\n",
        "services: {a: , b: {}}\n",
        "services: {}\n",
        "services:\n  web: {needs: [db]}\n  db: {owner: x}\n",
        "domains: {r: {kind: region}}\n",
        "journeys: {j: {succeeds: [a]}}\n",
        "waivers: [{rule: a, subject: b, owner: c, reason: d, expires: 2027-01-01}]\n",
        "policy: {tiers: {T0: {target: 99%}}}\n",
    ],
)
def test_a_catalog_under_any_name_is_recognised(text: str) -> None:
    assert catalog(text) is not None


def test_a_file_with_our_name_is_ours_whatever_it_holds() -> None:
    for name in ("truetier.yaml", "x/truetier.yml", "a.truetier.yaml"):
        with pytest.raises(CatalogError):
            catalog("kind: x\n", name)


def test_the_starter_is_a_whole_fleet() -> None:
    fleet = merge([read(STARTER.encode(), "truetier.yaml")])
    assert len(fleet.services) == 10
    assert fleet.tiers == BUILT_IN


def test_the_reference_page_is_up_to_date(repository: Path) -> None:
    written = (repository / "docs" / "catalog.md").read_text()
    assert written == page(), "run: python -m truetier.sources.yaml_catalog.reference > docs/catalog.md"


def test_the_reference_page_names_every_key() -> None:
    text = page()
    assert [key for table in tables() for key in table.keys if f"| `{key.name}` |" not in text] == []


# The JSON Schema


def test_the_json_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [EVERY_KEY, STARTER], ids=["every key", "starter"])
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(plain(parse_yaml(text.encode(), "f")[0]))


@pytest.mark.parametrize(
    "text",
    [
        "servces: {}",
        "version: 2",
        "services: {a: {tier: []}}",
        "services: {a: {availability: 99.9}}",
        "services: {a: {budget: 90}}",
        "services: {a: {availability: 99%, placement: {copies: {r: 2}, availability: 99%}}}",
        "services: {a: {needs: [{}]}}",
        "services: {a: {needs: [{service: b, any_of: [c]}]}}",
        "services: {a: {needs: [{service: b, fallback: {kind: cached}}]}}",
        "services: {a: {needs: [{service: b, hardness: hard, fallback: static}]}}",
        "services: {a: {needs: [{service: b, mode: async, fallback: static}]}}",
        "services: {a: {needs: [{any_of: [b, c], timeout: 1s}]}}",
        "services: {a: {needs: [{service: b, broker: c}]}}",
        "services: {a: {placement: {}}}",
        "services: {a: {placement: {copies: {r: 0}}}}",
        "services: {a: {placement: {copies: {r: 2}, common_cause: 10%}}}",
        "services: {a: {placement: {copies: {r: 2}, mode: active-passive}}}",
        "services: {a: {placement: {copies: {r: 2}, failover: {time: 1m}}}}",
        "journeys: {j: {}}",
        "waivers: [{rule: x}]",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    with pytest.raises(CatalogError):
        read(text.encode(), "f")
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(plain(parse_yaml(text.encode(), "f")[0]))


def tables() -> list[Table]:
    """Every table of the schema."""
    found: dict[str, Table] = {}
    waiting: list[Shape] = [CATALOG]
    while waiting:
        shape = waiting.pop()
        match shape:
            case Table() if shape.name not in found:
                found[shape.name] = shape
                waiting += [key.shape for key in shape.keys]
            case ListOf(item):
                waiting.append(item)
            case MapOf(_, value):
                waiting.append(value)
            case AnyOf(forms):
                waiting += forms
            case _:
                pass
    return list(found.values())


def plain(node: Node) -> object:
    """A node as an editor sees it."""
    if node.kind == "map":
        return {key.text: plain(value) for key, value in node.pairs}
    if node.kind == "seq":
        return [plain(item) for item in node.items]
    if node.is_null:
        return None
    if node.is_plain and node.text in ("true", "false"):
        return node.text == "true"
    for kind in (int, float):
        try:
            return kind(node.text) if node.is_plain else node.text
        except ValueError:
            continue
    return node.text


# Nothing but a refusal


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_read_or_be_refused(content: bytes) -> None:
    reads_or_refuses(content)


@given(st.lists(st.sampled_from([*EVERY_KEY.split(), *":,[]{}&*!|>-?#'\"\n ", "\n  ", "<<: *a", "&a ", "*a", "~", "0"]), max_size=60))
def test_no_mixture_of_our_words_does(words: list[str]) -> None:
    reads_or_refuses(" ".join(words).encode())


@given(st.data())
def test_no_mutation_of_a_catalog_does(data: st.DataObject) -> None:
    content = bytearray(EVERY_KEY.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 12))
        content[position : position + length] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b": ", b"- ", b"\n", b"{}", b"[]", b"~", b"&a ", b"*a"])
        )
    reads_or_refuses(bytes(content))


def reads_or_refuses(content: bytes) -> None:
    mistakes: tuple[Mistake, ...] = ()
    try:
        merge([read(content, "f")])
    except CatalogError as error:
        mistakes = error.mistakes
    places = [mistake.place for mistake in mistakes]
    assert all(place is not None and place.line >= 1 and place.column >= 1 for place in places)
