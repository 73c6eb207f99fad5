from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.app.inputs import COMPOSE, DEPLOYMENT, SERVICE, write
from truetier.app.import_catalog import import_catalog
from truetier.app.load import load_fleet

if TYPE_CHECKING:
    from truetier.catalog.model import Phase

EVERY_KEY = """\
version: 1
services:
  shop:
    tier: T1
    target: 99.95%
    availability: 99.99%
    owner: "the shop: team"
    layer: 3
    budget: 800ms
    mttr: 1h30m
    cells: 20
    aliases: [ts-shop, "shop-*"]
    needs:
      - pay
      - service: prices
        timeout: 100ms
        attempts: 2
        backoff: 50ms
        fallback: {kind: cached, staleness: 30m, availability: 99.9%, coverage: 98%}
      - {service: rewards, timeout: 200ms, fallback: static, verified: {by: game-day, on: 2026-11-02, until: 2027-05-02}}
      - {service: fraud, timeout: 150ms, fallback: {kind: stand-in, service: rules, coverage: 90%}}
      - {any_of: [cdn-a, {service: cdn-b, attempts: 2}]}
      - {k: 2, of: [cdn-a, cdn-b, rules], share: 30%}
      - {service: identity, phase: [serve, start]}
      - {service: identity, hardness: unknown, phase: change}
      - {service: kyc, share: 20%, condition: "amount >= 50"}
      - {service: mailer, mode: async, broker: queue}
  pay:
    tier: T1
    plane: control
    placement:
      copies: {us-east-1/a: 2, us-east-1/b: 2}
      availability: 99.9%
      common_cause: 20%
      need: 3
      affinity: zone
  ledger:
    placement: {copies: {us-east-1: 1, eu: 1}, availability: 99.9%, mode: active-passive, failover: {time: 1m30s, coverage: 95%}}
  pages:
    endpoints:
      buy: {tier: T1, share: 10%, needs: [pay]}
      browse: {share: 90%}
  cdn-a: {availability: 99.9%, external: true}
  cdn-b: {}
  prices: {}
  rewards: {}
  fraud: {}
  rules: {}
  identity: {}
  kyc: {}
  mailer: {}
  queue: {}
domains:
  us-east-1: {kind: region, availability: 99.99%, mttr: 2h}
journeys:
  buy: {tier: T1, succeeds: [shop, {any_of: [cdn-a, cdn-b]}, {k: 1, of: [pay, ledger]}], users: 40%}
waivers:
  - {rule: inversion, subject: shop -> kyc, owner: payments, reason: "migration ends: in March", expires: 2027-03-31}
policy:
  tiers: {T0: {target: 99.999%}, T1: {target: 99.9%}, T9: {}}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def without_comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def needs(path: str) -> list[tuple[str, str, frozenset[Phase], object]]:
    return [
        (service.name, need.service, need.phases, need.hardness)
        for service in load_fleet([path]).services.values()
        for need in service.needs
    ]


@pytest.mark.parametrize("sample", ["kubernetes/bookshop.yaml", "compose/newsroom.yaml"])
def test_an_imported_catalog_has_the_edges_of_what_was_imported(sample: str, repository: Path) -> None:
    path = str(repository / "tests" / "data" / sample)
    Path("truetier.yaml").write_text(import_catalog([path]))
    assert needs("truetier.yaml") == needs(path)
    assert not load_fleet(["truetier.yaml"]).unmatched


def test_importing_an_imported_catalog_changes_nothing(repository: Path) -> None:
    first = import_catalog([str(repository / "tests" / "data" / "kubernetes")])
    Path("truetier.yaml").write_text(first)
    assert without_comments(import_catalog(["truetier.yaml"])) == without_comments(first)


def test_every_key_of_the_catalog_is_written(tmp_path: Path) -> None:
    write(tmp_path, one__truetier_yaml=EVERY_KEY)
    first = import_catalog(["one"])
    write(tmp_path, two__truetier_yaml=first)
    assert without_comments(import_catalog(["two"])) == without_comments(first)
    for text in EVERY_KEY.replace(",", " ").split():
        word = text.strip("{}[]\"':,-")
        assert word in first, word


def test_nothing_is_invented_and_what_is_unknown_is_said(tmp_path: Path) -> None:
    write(tmp_path, web_yaml=DEPLOYMENT, cart_yaml=SERVICE)
    text = import_catalog(["."])
    assert "tier:" not in "\n".join(without_comments(text))
    assert "      # web.yaml:6:57: env CART_ADDR\n      - {service: cart, hardness: unknown}\n" in text
    assert "#   tier " in text
    assert "no edge does not mean no dependency" in text


def test_what_was_not_matched_or_not_read_stands_at_the_end(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml=COMPOSE.replace("i,", "i, environment: {X: 'gone:80'},"), README_md="x")
    text = import_catalog(["."])
    assert "gone" in text.partition("# Names that match no service here")[2]
    assert "README.md" in text.partition("# Not read:")[2]


def test_hostile_names_stay_inside_their_quotes_and_comments(tmp_path: Path) -> None:
    nasty = 'a\\"b\\\\c: {d}\\n# e\\x1b[31m'
    write(tmp_path, compose_yaml=f'services:\n  x: {{image: "{nasty}"}}\n')
    text = import_catalog(["compose.yaml"])
    assert "\x1b" not in text
    Path("truetier.yaml").write_text(text)
    assert list(load_fleet(["truetier.yaml"]).services) == ["x"]
