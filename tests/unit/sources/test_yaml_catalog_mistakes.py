"""Every way to write a catalog wrong, except needs and placements: each is named where it is written."""

from __future__ import annotations

import pytest

from truetier.errors import CatalogError
from truetier.sources.yaml_catalog import read


def mistakes(text: str) -> list[str]:
    """What is wrong with a catalog, without the file's name."""
    with pytest.raises(CatalogError) as caught:
        read(text.encode(), "f")
    return [str(mistake).removeprefix("f:") for mistake in caught.value.mistakes]


SERVICES = [
    (
        "{placement: {copies: {r: 2}, availability: 99%}, availability: 99%}",
        ["2:69: service: availability and placement.availability exclude each other; the one of a copy replaces the service's own"],
    ),
    ("{}\n  b: {}\n  a: {}", ["4:3: 'a' is written twice in one map; the first is at f:2:3"]),
    ("[]", ["2:6: service: expected a map, found a list"]),
    ("x", ["2:6: service: expected a map, found 'x'"]),
    ("{teir: T1}", ["2:7: service: unknown key 'teir'; did you mean tier?"]),
    ("{tier: []}", ["2:13: tier: expected a name, found a list"]),
    ("{tier: ''}", ["2:13: tier: a name must not be empty"]),
    ("{tier: }", ["2:7: tier: expected a name, found nothing"]),
    ("{target: 100%}", ["2:15: target: nothing is available 100% of the time; promise less, e.g. 99.999%"]),
    (
        "{target: 99.9}",
        ["2:15: target: expected a percentage like 99.9% or a number from 0 to 1, found '99.9'; write 99.9% if you mean percent"],
    ),
    ("{availability: nine}", ["2:21: availability: expected a percentage like 99.9% or a number from 0 to 1, found 'nine'"]),
    ("{availability: 101%}", ["2:21: availability: expected at most 100%, found '101%'"]),
    ("{observed: -1}", ["2:17: observed: expected a percentage like 99.9% or a number from 0 to 1, found '-1'"]),
    ("{owner: {}}", ["2:14: owner: expected a name, found a map"]),
    ("{plane: user}", ["2:14: plane: expected data or control, found 'user'"]),
    ("{layer: 1.5}", ["2:14: layer: expected a whole number, at least 0, found '1.5'"]),
    ("{layer: -1}", ["2:14: layer: expected a whole number, at least 0, found '-1'"]),
    ("{layer: '1'}", ["2:14: layer: expected a whole number, at least 0, found '1'"]),
    ("{budget: 0s}", ["2:15: budget: expected a duration longer than 0, found '0s'"]),
    ("{budget: 5 parsecs}", ["2:15: budget: expected a duration like 800ms, 90s, 30m, 2h or 1d, found '5 parsecs'"]),
    ("{budget: 90}", ["2:15: budget: expected a duration like 800ms, 90s, 30m, 2h or 1d, found '90'"]),
    ("{mttr: 0}", ["2:13: mttr: expected a duration longer than 0, found '0'"]),
    ("{cells: 0}", ["2:14: cells: expected a whole number, at least 1, found '0'"]),
    ("{external: maybe}", ["2:17: external: expected true or false, found 'maybe'"]),
    ("{external: 'true'}", ["2:17: external: expected true or false, found 'true'"]),
    ("{aliases: b}", ["2:16: aliases: expected a list, found 'b'"]),
    ("{aliases: [b, b]}", ["2:20: aliases: 'b' is named twice"]),
    ("{aliases: [a]}", ["2:17: aliases: 'a' is the service's own name"]),
    ("{aliases: ['*']}", ["2:17: aliases: '*' would match every service"]),
    ("{aliases: [[]]}", ["2:16: aliases: expected a name, found a list"]),
    ("!thing {}", ["2:13: the tag '!thing' means nothing here"]),
    ("{tier: !roman IV}", ["2:20: the tag '!roman' means nothing here"]),
    ("{needs: {b: c}}\n  b: {}", ["2:14: needs: expected a list, found a map"]),
    ("{endpoints: {x: {share: 50%}, y: {}}}", ["2:18: endpoints: all of them have a share or none has; 'y' has none"]),
    ("{endpoints: {x: {share: 50%}, y: {share: 40%}}}", ["2:18: endpoints: the shares add up to 90%, not to 100%"]),
    ("{endpoints: {x: {needs: [a]}}}", ["2:31: needs: 'a' needs itself"]),
    ("{endpoints: {x: {target: 99%}}}", ["2:23: endpoint: unknown key 'target'; the keys are tier, share, needs"]),
    ("{endpoints: [x]}", ["2:18: endpoints: expected a map with a name for each, found a list"]),
]
OTHERS = [
    ("- a\n", ["1:3: expected a catalog with keys such as services, found a list"]),
    ("text\n", ["1:1: expected a catalog with keys such as services, found 'text'"]),
    ("{}: 1\n", ["1:5: a key must be a plain name, not a map or a list"]),
    ("servces: {}\n", ["1:1: catalog: unknown key 'servces'; did you mean services?"]),
    (
        "version: 2\nservices: {}\n",
        ["1:10: version: this catalog is of version 2, this truetier reads version 1; try: pip install --upgrade truetier"],
    ),
    ("version: 0\n", ["1:10: version: expected 1, found '0'"]),
    ("version: '1'\n", ["1:10: version: expected 1, found '1'"]),
    ("version: new\n", ["1:10: version: expected 1, found 'new'"]),
    ("services: [a]\n", ["1:11: services: expected a map with a name for each, found a list"]),
    ("services: a\n", ["1:11: services: expected a map with a name for each, found 'a'"]),
    ("services:\n  '': {}\n", ["2:3: services: a name must not be empty"]),
    ('services:\n  "a\\e": {}\n', ["2:3: services: a name must not contain control or invisible characters, found 'a\\x1b'"]),
    ("services:\n  ' a': {}\n", ["2:3: services: a name must not begin or end with a space, found ' a'"]),
    (
        f"services:\n  {'n' * 201}: {{}}\n",
        ["2:3: services: a name has at most 200 characters, this one has 201"],
    ),
    ("domains:\n  r: {kind: planet}\n", ["2:13: kind: expected region, zone, cell, account, cluster, provider or part, found 'planet'"]),
    ("domains:\n  /r: {}\n", ["2:3: domains: expected a failure domain like us-east-1 or us-east-1/a, found '/r'"]),
    ("domains:\n  r: {tier: T1}\n", ["2:7: domain: unknown key 'tier'; the keys are kind, availability, mttr"]),
    ("journeys:\n  j: {}\n", ["2:6: journey: the key succeeds is missing"]),
    ("journeys:\n  j: {succeeds: []}\n", ["2:17: succeeds: the list is empty"]),
    ("journeys:\n  j: {succeeds: a}\n", ["2:17: succeeds: expected a list, found 'a'"]),
    ("journeys:\n  j: {succeeds: [{service: a}]}\n", ["2:19: criterion: unknown key 'service'; the keys are any_of, k, of"]),
    ("journeys:\n  j: {succeeds: [{any_of: [a, a]}]}\n", ["2:31: succeeds: 'a' is in the group twice"]),
    ("journeys:\n  j: {succeeds: [{k: 3, of: [a, b]}]}\n", ["2:22: succeeds: k is 3, but there are only 2 services"]),
    ("journeys:\n  j: {succeeds: [{any_of: [[a]]}]}\n", ["2:28: succeeds: expected a name, found a list"]),
    ("journeys:\n  j: {succeeds: [a], users: 140%}\n", ["2:29: users: expected at most 100%, found '140%'"]),
    (
        "services:\n  a: {target: 0.9999999999999999999999999999999999999999999999999999999999999999999999}\n",
        ["2:15: target: expected a number of at most 60 characters, found '0.9999999999999999999999999999999999999999999999999999999...'"],
    ),
    ("journeys:\n  j: {succeeds: [{of: [a]}]}\n", ["2:18: succeeds: expected a service, any_of, or k and of"]),
    (
        "waivers:\n  - {rule: inversion}\n",
        [
            "2:5: waiver: the key subject is missing",
            "2:5: waiver: the key owner is missing",
            "2:5: waiver: the key reason is missing",
            "2:5: waiver: the key expires is missing",
        ],
    ),
    (
        "waivers:\n  - {rule: inversion, subject: a, owner: b, reason: c, expires: soon}\n",
        ["2:65: expires: expected a date like 2027-03-31, found 'soon'"],
    ),
    (
        "waivers:\n  - {rule: inversion, subject: a, owner: b, reason: c, expires: 2026-W05-1}\n",
        ["2:65: expires: expected a date like 2027-03-31, found '2026-W05-1'"],
    ),
    ("waivers: {}\n", ["1:10: waivers: expected a list, found a map"]),
    ("waivers:\n  - x\n", ["2:5: waiver: expected a map, found 'x'"]),
    (
        "policy: {tiers: {T0: {target: 99%}, T1: {target: 99.9%}}}\n",
        ["1:37: tiers: the strictest comes first and no two are equal; 'T0' with 99% stands above 'T1' with 99.9%"],
    ),
    (
        "policy: {tiers: {T0: {target: 99%}, T1: {target: 99%}}}\n",
        ["1:37: tiers: the strictest comes first and no two are equal; 'T0' with 99% stands above 'T1' with 99%"],
    ),
    ("policy: {tiers: {T0: {}, T1: {target: 99%}}}\n", ["1:26: tiers: only the last may have no target, 'T0' stands above 'T1'"]),
    ("policy: {tiers: {1: {target: 99%}, T1: {}}}\n", ["1:36: tiers: 'T1' is there twice"]),
    ("policy: {tiers: {T0: {target: 100%}}}\n", ["1:31: target: nothing is available 100% of the time; promise less, e.g. 99.999%"]),
    ("policy: {tiers: {}}\n", ["1:17: tiers: expected at least one tier"]),
    ("policy: {tiers: []}\n", ["1:17: tiers: expected a map with a name for each, found a list"]),
    ("policy: {budget: 1}\n", ["1:10: policy: unknown key 'budget'; the keys are tiers"]),
    ("services: {}\n---\nservices: {}\n", ["3:1: a catalog is one YAML document; remove the --- or split the file"]),
]


@pytest.mark.parametrize(("value", "expected"), SERVICES, ids=[value for value, _ in SERVICES])
def test_a_service_written_wrong_is_refused_at_its_place(value: str, expected: list[str]) -> None:
    assert mistakes(f"services:\n  a: {value}") == expected


@pytest.mark.parametrize(("text", "expected"), OTHERS, ids=[text[:40] for text, _ in OTHERS])
def test_a_catalog_written_wrong_is_refused_at_its_place(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
version: 7
services:
  a: {tier: , target: 99.9, needs: [a, {service: b, timeout: 0s, retries: 3}]}
  b: {cells: 0, placement: {copies: {r: 0}, need: none}}
journeys:
  j: {users: 200%}
waivers:
  - {rule: x}
"""
    found = mistakes(text)
    places = [tuple(int(part) for part in mistake.split(":")[:2]) for mistake in found]
    assert places == sorted(places)
    assert len(found) == 15


def test_a_word_close_to_a_key_is_suggested_and_else_the_keys_are_listed() -> None:
    assert "did you mean availability?" in mistakes("services: {a: {availabilty: 99%}}")[0]
    assert "the keys are tier, share, needs" in mistakes("services: {a: {endpoints: {x: {zzz: 1}}}}")[0]


def test_ten_thousand_duplicate_names_are_all_named() -> None:
    text = "services:\n" + "  a: {}\n" * 10_001
    assert len(mistakes(text)) == 10_000


def test_ten_thousand_unknown_keys_are_named_in_bounded_time() -> None:
    text = "services:\n  a:\n" + "".join(f"    key-{number}: 1\n" for number in range(10_000))
    assert len(mistakes(text)) == 10_000
