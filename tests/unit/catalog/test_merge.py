"""Many files become one fleet."""

from __future__ import annotations

import pytest

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.merge import merge
from truetier.catalog.model import Fact, Fleet, Hardness, Need, Phase, Service, SkippedInput, Target
from truetier.catalog.source import Contribution
from truetier.catalog.tier import BUILT_IN
from truetier.errors import CatalogError, Place
from truetier.sources.yaml_catalog import read
from truetier.units import CERTAIN


def fleet(*texts: str) -> Fleet:
    """The fleet of several catalogs, named 1.yaml, 2.yaml and so on."""
    return merge([read(text.encode(), f"{number}.yaml") for number, text in enumerate(texts, 1)])


def mistakes(*texts: str) -> list[str]:
    """What is wrong with several catalogs together."""
    with pytest.raises(CatalogError) as caught:
        fleet(*texts)
    return [str(mistake) for mistake in caught.value.mistakes]


def evidence(line: int = 1, source: str = "kubernetes") -> Evidence:
    """Where a manifest says something."""
    return Evidence(Kind.DECLARED, source, Place("k8s.yaml", line, 1), "env X")


def seen(callee: str, *phases: Phase, source: str = "kubernetes") -> Need:
    """A need as a manifest shows it."""
    return Need((Target(callee),), evidence(source=source), hardness=Hardness.UNKNOWN, phases=frozenset(phases or (Phase.SERVE,)))


def manifest(*services: Service, source: str = "kubernetes") -> Contribution:
    """What a manifest says."""
    return Contribution(source, "k8s.yaml", services)


def workload(name: str, *needs: Need, aliases: tuple[str, ...] = (), facts: tuple[Fact, ...] = ()) -> Service:
    """A service as a manifest shows it."""
    keys = {"needs": evidence()} if needs else {}
    return Service(name, evidence(), needs=needs, aliases=aliases, facts=facts, keys=keys)


def ours(text: str) -> Contribution:
    """What a catalog says."""
    return read(text.encode(), "truetier.yaml")


# One file


def test_one_file_is_the_fleet_in_its_order() -> None:
    found = fleet("services: {b: {needs: [a]}, a: {}}")
    assert list(found.services) == ["b", "a"]
    assert found.services["b"].needs[0].service == "a"
    assert found.tiers == BUILT_IN
    assert (found.conflicts, found.unmatched, found.digest) == ((), (), "")


def test_every_name_that_means_nothing_is_a_mistake_at_its_place() -> None:
    text = """\
services:
  basket:
    needs:
      - baskt
      - HELPER
      - {any_of: [basket-a, gone]}
      - {service: helper, timeout: 1s, fallback: {kind: stand-in, service: nobody}}
      - {service: helper, mode: async, broker: queue}
    endpoints:
      buy: {needs: [away]}
  basket-a: {}
  helper: {}
journeys:
  shop: {succeeds: [basket, {any_of: [helper, lost]}]}
"""
    assert mistakes(text) == [
        "1.yaml:4:9: service 'basket' names 'baskt', but no service has that name or alias; did you mean 'basket'?",
        "1.yaml:5:9: service 'basket' names 'HELPER', but no service has that name or alias; did you mean 'helper'?",
        "1.yaml:6:9: service 'basket' names 'gone', but no service has that name or alias",
        "1.yaml:7:9: service 'basket' names 'nobody', but no service has that name or alias",
        "1.yaml:8:9: service 'basket' names 'queue', but no service has that name or alias",
        "1.yaml:10:21: service 'basket' names 'away', but no service has that name or alias",
        "1.yaml:14:3: journey 'shop' names 'lost', but no service has that name or alias",
    ]


def test_a_tier_that_no_table_has_is_a_mistake() -> None:
    text = "services:\n  a: {tier: T7, endpoints: {x: {tier: T8}}}\njourneys:\n  j: {tier: T9, succeeds: [a]}\n"
    assert mistakes(text) == [
        "1.yaml:2:13: service 'a': there is no tier 'T7'; the tiers are T0, T1, T2, T3, T4",
        "1.yaml:2:29: endpoint 'x': there is no tier 'T8'; the tiers are T0, T1, T2, T3, T4",
        "1.yaml:4:3: journey 'j': there is no tier 'T9'; the tiers are T0, T1, T2, T3, T4",
    ]


def test_unequal_shares_under_one_condition_are_a_mistake_that_names_both_places() -> None:
    text = (
        "services:\n  a: {needs: [{service: b, share: 20%, condition: big}]}\n"
        "  b: {endpoints: {x: {needs: [{service: c, condition: big}]}}}\n  c: {}\n"
    )
    assert mistakes(text) == ["1.yaml:3:31: the condition 'big' has a share of 100% here and of 20% at 1.yaml:2:15"]


def test_equal_shares_under_one_condition_are_fine() -> None:
    assert fleet(
        "services: {a: {needs: [{service: b, share: 20%, condition: big}, {service: c, share: 0.2, condition: big}]}, b: {}, c: {}}"
    )


# Aliases


def test_needs_and_journeys_may_use_aliases() -> None:
    found = fleet(
        "services: {a: {needs: [ts-b, {any_of: [b-1, c]}, {service: c, mode: async, broker: b-2}]}, b: {aliases: [ts-b, 'b-*']}, c: {}}\n"
        "journeys: {j: {succeeds: [ts-b]}}"
    )
    assert [need.services for need in found.services["a"].needs] == [("b",), ("b", "c"), ("c", "b")]
    assert found.journeys["j"].succeeds[0].services == ("b",)


def test_an_alias_must_not_be_another_services_name_nor_claimed_twice() -> None:
    assert mistakes("services:\n  a: {aliases: [b]}\n  b: {aliases: [x]}\n  c: {aliases: [x]}\n") == [
        "1.yaml:2:16: aliases: 'b' of 'a' is the name of another service",
        "1.yaml:4:16: aliases: both 'b' and 'c' claim 'x'",
    ]


def test_a_name_that_patterns_of_two_services_match_is_a_mistake_where_it_is_used() -> None:
    text = "services:\n  a: {needs: [x-1]}\n  b: {aliases: ['x-*']}\n  c: {aliases: ['*-1']}\n"
    assert mistakes(text) == ["1.yaml:2:15: service 'a' names 'x-1', but aliases of 'b' and 'c' match it"]


def test_a_need_on_an_alias_of_oneself_is_a_need_on_oneself() -> None:
    assert mistakes("services:\n  a: {aliases: [x], needs: [x]}\n") == ["1.yaml:2:29: service 'a' needs itself"]


def test_two_names_of_one_service_are_no_group() -> None:
    text = "services:\n  a: {needs: [{any_of: [b, x]}]}\n  b: {aliases: [x]}\njourneys:\n  j: {succeeds: [{any_of: [b, x]}]}\n"
    assert mistakes(text) == [
        "1.yaml:2:15: service 'a': two names in one group mean the same service",
        "1.yaml:5:3: journey 'j': two names in one group mean the same service",
    ]


def test_a_stand_in_that_is_the_callee_under_another_name_is_a_mistake() -> None:
    text = "services:\n  a: {needs: [{service: b, timeout: 1s, fallback: {kind: stand-in, service: x}}]}\n  b: {aliases: [x]}\n"
    assert mistakes(text) == ["1.yaml:2:15: service 'a': the stand-in is the service it replaces"]


# Several catalogs


def test_a_service_described_in_two_files_is_merged_key_by_key() -> None:
    found = fleet(
        "services: {a: {tier: T1, owner: x, aliases: [p]}}", "services: {a: {tier: 1, budget: 1s, needs: [b], aliases: [q]}, b: {}}"
    )
    service = found.services["a"]
    assert (service.tier, service.owner, service.aliases) == ("T1", "x", ("p", "q"))
    assert service.budget is not None
    assert [need.service for need in service.needs] == ["b"]
    assert found.conflicts == ()
    assert service.keys["owner"].place == Place("1.yaml", 1, 33)
    assert set(service.keys) == {"tier", "owner", "aliases", "budget", "needs"}


@pytest.mark.parametrize(
    ("key", "first", "second", "used"),
    [
        ("tier", "T2", "T1", "T1"),
        ("target", "99%", "99.9%", "99.9%"),
        ("availability", "99.9%", "99%", "99%"),
        ("observed", "99.9%", "99%", "99%"),
        ("owner", "x", "y", "x"),
        ("plane", "control", "data", "control"),
        ("layer", "1", "2", "1"),
        ("budget", "1s", "2s", "1s"),
        ("mttr", "2h", "1h", "2h"),
        ("cells", "2", "3", "2"),
        ("external", "true", "false", "true"),
    ],
)
def test_files_that_disagree_are_a_conflict_and_the_cautious_claim_is_used(key: str, first: str, second: str, used: str) -> None:
    found = fleet(f"services: {{a: {{{key}: {first}}}}}", f"services: {{a: {{{key}: {second}}}}}")
    (conflict,) = found.conflicts
    assert (conflict.subject, conflict.key, conflict.used) == ("a", key, used)
    assert [claim.value for claim in conflict.claims] == [first, second]
    assert [claim.evidence.place.file for claim in conflict.claims if claim.evidence.place] == ["1.yaml", "2.yaml"]
    place = found.services["a"].keys[key].place
    assert place is not None
    assert place.file == ("1.yaml" if used == first else "2.yaml")


def test_the_same_need_in_two_files_is_one_and_different_needs_are_two() -> None:
    first = "services: {a: {needs: [b, {service: b, timeout: 1s, fallback: static}]}, b: {}}"
    verified = "{service: b, timeout: 1s, fallback: static, verified: {by: x, on: 2026-01-01}}"
    second = f"services: {{a: {{needs: [{verified}, {{service: b, phase: start}}]}}}}"
    needs = fleet(first, second).services["a"].needs
    assert [need.phases for need in needs] == [{Phase.SERVE}, {Phase.SERVE}, {Phase.START}]
    assert needs[1].verified is not None


def test_the_same_need_twice_in_one_file_stays_two_mechanisms() -> None:
    assert len(fleet("services: {a: {needs: [b, b]}, b: {}}", "services: {a: {needs: [b]}}").services["a"].needs) == 2


def test_endpoints_of_two_files_are_merged_by_name() -> None:
    found = fleet(
        "services: {a: {endpoints: {x: {tier: T2, share: 40%, needs: [b]}, y: {share: 60%}}}, b: {}}",
        "services: {a: {endpoints: {x: {tier: T1, share: 40%, needs: [b, c]}, y: {share: 60%}}}, c: {}}",
    )
    first = found.services["a"].endpoints[0]
    assert (first.tier, [need.service for need in first.needs]) == ("T1", ["b", "c"])
    assert [(conflict.subject, conflict.key) for conflict in found.conflicts] == [("a/x", "tier")]


def test_endpoint_shares_must_add_up_over_all_files() -> None:
    found = mistakes("services: {a: {endpoints: {x: {share: 100%}}}}", "services: {a: {endpoints: {y: {share: 100%}}}}")
    assert found == [
        "2.yaml:1:28: service 'a': over all files 2 of 2 endpoints have a share, together 200%; all or none have one, together 100%"
    ]


def test_an_own_availability_in_one_file_and_one_of_a_copy_in_another_exclude_each_other() -> None:
    found = mistakes("services: {a: {availability: 99%}}", "services: {a: {placement: {copies: {r: 2}, availability: 99%}}}")
    assert found == ["1.yaml:1:30: service 'a': availability and placement.availability (2.yaml:1:58) exclude each other"]


def test_two_placements_are_a_conflict() -> None:
    found = fleet("services: {a: {placement: {copies: {r: 2}}}}", "services: {a: {placement: {copies: {r: 3}}}}")
    (conflict,) = found.conflicts
    assert (conflict.key, conflict.used) == ("placement", "{r: 2} active-active")
    assert fleet(*["services: {a: {placement: {copies: {r: 2}}}}"] * 2).conflicts == ()


def test_domains_and_journeys_are_merged_too() -> None:
    found = fleet(
        "domains: {r: {kind: cell}, s: {availability: 99.9%}}\nservices: {a: {}, b: {}}\njourneys: {j: {tier: T2, succeeds: [a]}}",
        "domains: {r: {mttr: 2h}, s: {availability: 99%}}\njourneys: {j: {tier: T1, succeeds: [b], users: 10%}}",
    )
    assert (found.domains["r"].kind, found.domains["r"].mttr is not None) == ("cell", True)
    assert str(found.domains["s"].availability) == "99%"
    assert (found.journeys["j"].tier, found.journeys["j"].succeeds[0].services) == ("T1", ("a",))
    assert found.journeys["j"].users is not None
    assert [(conflict.subject, conflict.key) for conflict in found.conflicts] == [("j", "tier"), ("j", "succeeds"), ("s", "availability")]


def test_a_waiver_repeated_in_two_files_is_one() -> None:
    text = "waivers: [{rule: x, subject: y, owner: z, reason: w, expires: 2027-01-01}]"
    assert len(fleet(text, text, text.replace("w,", "v,")).waivers) == 2


def test_one_tier_table_holds_for_all_files() -> None:
    policy = "policy: {tiers: {gold: {target: 99.9%}}}"
    assert [row.name for row in fleet("services: {a: {tier: gold}}", policy, policy).tiers] == ["gold"]
    assert mistakes(policy, "policy:\n  tiers: {iron: {}}\n") == [
        "2.yaml:2:10: policy: another file has another tier table at 1.yaml:1:17; one fleet has one"
    ]


# Catalogs and manifests


def test_a_manifest_adds_services_and_needs() -> None:
    found = merge([manifest(workload("web", seen("cart"), seen("db"))), ours("services: {cart: {}, db: {}, web: {tier: T1}}")])
    assert list(found.services) == ["cart", "db", "web"]
    assert found.services["web"].tier == "T1"
    assert [need.evidence.source for need in found.services["web"].needs] == ["kubernetes", "kubernetes"]


def test_what_a_manifest_says_again_is_no_second_need() -> None:
    catalog = ours(
        "services: {web: {needs: [{service: cart, timeout: 1s, fallback: static}], "
        "endpoints: {x: {needs: [{any_of: [db, cart]}]}}}, cart: {}, db: {}}"
    )
    found = merge([catalog, manifest(workload("web", seen("cart", Phase.SERVE, Phase.START), seen("db")))])
    assert [(need.service, need.phases) for need in found.services["web"].needs] == [
        ("cart", frozenset({Phase.SERVE})),
        ("cart", frozenset({Phase.START})),
    ]


def test_two_manifests_that_say_the_same_are_one_need() -> None:
    found = merge(
        [
            manifest(workload("web", seen("cart")), workload("cart")),
            manifest(workload("web", seen("cart", source="compose")), workload("cart"), source="compose"),
        ]
    )
    assert len(found.services["web"].needs) == 1


def test_a_manifests_names_are_matched_through_aliases() -> None:
    catalog = ours("services: {cart: {aliases: [ts-cart, 'cart-v*']}, web: {}}")
    found = merge([catalog, manifest(workload("ts-cart", seen("web")), workload("cart-v2"), workload("web", seen("cart-v1")))])
    assert list(found.services) == ["cart", "web"]
    assert found.services["cart"].needs[0].service == "web"
    assert found.services["web"].needs[0].service == "cart"


def test_a_catalog_may_use_an_alias_that_a_manifest_gives() -> None:
    found = merge([ours("services: {web: {needs: [shop-front]}}"), manifest(workload("shop", aliases=("shop-front",)))])
    assert found.services["web"].needs[0].service == "shop"


def test_a_name_in_a_manifest_that_matches_nothing_is_listed_once() -> None:
    found = merge([manifest(workload("web", seen("gone"), seen("gone", Phase.START)))])
    assert found.services["web"].needs == ()
    assert found.unmatched == (SkippedInput("gone", "service 'web' names it by env X (k8s.yaml:1:1); no service has that name or alias"),)


def test_a_service_in_a_manifest_that_two_services_claim_stands_for_itself_and_is_listed() -> None:
    found = merge([ours("services: {a: {aliases: ['x-*']}, b: {aliases: ['*-1']}}"), manifest(workload("x-1"))])
    assert list(found.services) == ["a", "b", "x-1"]
    assert found.unmatched == (SkippedInput("x-1", "aliases of 'a' and 'b' match it (k8s.yaml:1:1)"),)


def test_a_manifest_that_names_its_own_service_is_no_need() -> None:
    found = merge([ours("services: {web: {aliases: [me]}}"), manifest(workload("web", seen("me")))])
    assert found.services["web"].needs == ()


def test_other_replicas_than_the_catalog_places_are_a_conflict() -> None:
    catalog = ours("services: {web: {placement: {copies: {r/a: 2, r/b: 2}}}}")
    found = merge([catalog, manifest(workload("web", facts=(Fact("replicas", "3", evidence(7)),)))])
    (conflict,) = found.conflicts
    assert (conflict.key, conflict.used, [claim.value for claim in conflict.claims]) == ("placement.copies", "4", ["4", "3"])
    assert conflict.claims[1].evidence.place == Place("k8s.yaml", 7, 1)


@pytest.mark.parametrize(
    "facts", [(Fact("replicas", "2", evidence()),), (Fact("replicas", "3", evidence()), Fact("scale-min", "2", evidence()))]
)
def test_equal_replicas_or_a_scaler_are_no_conflict(facts: tuple[Fact, ...]) -> None:
    assert merge([ours("services: {web: {placement: {copies: {r: 2}}}}"), manifest(workload("web", facts=facts))]).conflicts == ()


def test_notes_of_the_sources_are_kept() -> None:
    note = SkippedInput("x", "y")
    found = merge([manifest(workload("web"))._replace(skipped=(note,), unmatched=(note, note))])
    assert (found.skipped, found.unmatched) == ((note,), (note,))


def test_a_manifests_own_word_wins_nothing_over_ours() -> None:
    foreign = workload("web")._replace(external=True, availability=CERTAIN, keys={"external": evidence()})
    found = merge([manifest(foreign), ours("services: {web: {external: false}}")])
    assert found.services["web"].external is False
    assert found.services["web"].availability is None  # a word without a source is nobody's
    assert found.conflicts[0].used == "false"


def test_twenty_thousand_services_merge_without_comparing_all_with_all() -> None:
    text = "services:\n" + "".join(f"  s{number}: {{needs: [s{(number + 1) % 20_000}]}}\n" for number in range(20_000))
    assert len(fleet(text).services) == 20_000


def test_only_the_first_dangling_names_are_compared_with_all_others() -> None:
    names = ", ".join(f"basket{number}" for number in range(30))
    found = mistakes(f"services: {{a: {{needs: [{names}]}}, basket: {{}}}}")
    assert len(found) == 30
    assert sum("did you mean" in mistake for mistake in found) == 20


def test_a_need_that_both_files_have_shown_to_work_keeps_the_first_word() -> None:
    first, second = (f"services: {{a: {{needs: [{{service: b, verified: {{by: {by}, on: 2026-01-01}}}}]}}, b: }}" for by in "xy")
    (need,) = fleet(first, second).services["a"].needs
    assert need.verified is not None
    assert need.verified.by == "x"
