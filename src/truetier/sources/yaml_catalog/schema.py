"""The one table of all keys. The strict reader, the JSON Schema and docs/catalog.md are made from it.

Rules that span keys stand in ``contradictions.py``; where JSON Schema can say them, ``also`` repeats them for editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetier.record import NamedTuple
from truetier.sources.yaml_catalog import values as v
from truetier.sources.yaml_catalog.values import Type, integer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from truetier.sources.yaml_tree import Node


class ListOf(NamedTuple):
    """A list whose items are all of one kind."""

    item: Shape
    least: int = 0


class MapOf(NamedTuple):
    """A map from names that people choose."""

    name: Type
    value: Shape
    least: int = 0


class AnyOf(NamedTuple):
    """One of several forms."""

    forms: tuple[Shape, ...]


class Key(NamedTuple):
    """One key: what it takes, what holds when it is absent, and what it means."""

    name: str
    shape: Shape
    default: str
    meaning: str
    is_required: bool = False


class Table:
    """The keys of one kind of map."""

    __slots__ = ("also", "is_nothing_allowed", "keys", "name", "readers", "required", "title")

    def __init__(self, name: str, title: str, *keys: Key, is_nothing_allowed: bool = False, also: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.title = title
        self.keys = keys
        self.is_nothing_allowed = is_nothing_allowed  # whether ``name:`` alone says the same as ``name: {}``
        self.also = also or {}
        # For the reader: how to read a single value, None where more than that must be read.
        self.readers: dict[str, Callable[[Node], object] | None] = {
            key.name: key.shape.read if isinstance(key.shape, Type) else None for key in keys
        }
        self.required = tuple(key.name for key in keys if key.is_required)


Shape = Type | Table | ListOf | MapOf | AnyOf

VERIFIED = Table(
    "verified",
    "Who has shown a mitigation to work, and when",
    Key("by", v.FREE_TEXT, "required", "the test that showed it, such as a game day", is_required=True),
    Key("on", v.DATE, "required", "the day of the test", is_required=True),
    Key("until", v.DATE, "no end", "the last day the test counts"),
)

MEASURED = Table(
    "measured",
    "What was counted while everything around it worked",
    Key("requests", integer(1, v.MOST_REQUESTS), "required", "how many requests were counted", is_required=True),
    Key("failed", integer(0, v.MOST_REQUESTS), "0", "how many of them failed"),
    Key("clustering", v.CLUSTERING, "1", "how many failures come together on average: so many requests say no more than one"),
)

FALLBACK = Table(
    "fallback",
    "What the caller does instead",
    Key("kind", v.FALLBACK_KIND, "required", "a constant answer, the last good answer, or another service's answer", is_required=True),
    Key("staleness", v.SOME_TIME, "required for `cached`", "how old a cached answer may be, less the refresh interval"),
    Key("service", v.SERVICE, "required for `stand-in`", "the service that answers instead"),
    Key("availability", v.AVAILABILITY, "100%", "how often the mechanism itself works"),
    Key("coverage", v.SHARE, "100%", "the share of requests it can answer"),
    also={
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}}, "then": {"required": [key]}, "else": {"properties": {key: False}}}
            for kind, key in (("cached", "staleness"), ("stand-in", "service"))
        ]
    },
)

MEMBER = Table(
    "member",
    "A member of a group",
    Key("service", v.SERVICE, "required", "the member", is_required=True),
    Key("timeout", v.SOME_TIME, "none", "with timeouts, members are tried in turn; all or none have one"),
    Key("attempts", integer(1, 1000), "1", "how often it is tried"),
    Key("backoff", v.DURATION, "0s", "the wait between two attempts"),
)

_MEMBERS = ListOf(AnyOf((v.SERVICE, MEMBER)), least=1)
NOT_IN_GROUPS = ("timeout", "attempts", "backoff", "hardness", "mode", "fallback", "broker")

NEED = Table(
    "need",
    "A need: one service, or a group of which some must answer",
    Key("service", v.SERVICE, "this, `any_of`, or `k` and `of`", "the service that is needed"),
    Key("any_of", _MEMBERS, "see `service`", "services of which one is enough"),
    Key("k", integer(1, 10_000), "see `service`", "how many of `of` must answer"),
    Key("of", _MEMBERS, "see `service`", "the services of which `k` must answer"),
    Key("timeout", v.SOME_TIME, "none", "how long one attempt waits"),
    Key("attempts", integer(1, 1000), "1", "how often it is tried in all"),
    Key("backoff", v.DURATION, "0s", "the wait between two attempts"),
    Key("hardness", v.HARDNESS, "hard; soft with a fallback", "whether the caller fails when the callee fails; `unknown` counts as hard"),
    Key("mode", v.MODE, "sync", "whether the caller waits for the answer"),
    Key("phase", AnyOf((v.PHASE, ListOf(v.PHASE, least=1))), "serve", "when it is needed: one phase or a list"),
    Key("share", v.SHARE, "100%", "the share of requests that need it"),
    Key("condition", v.NAME, "a draw of its own", "a name for that share: needs with one condition meet in the same requests, fleet-wide"),
    Key("fallback", AnyOf((v.STATIC, FALLBACK)), "none", "what the caller does instead; makes the need soft"),
    Key("broker", v.SERVICE, "none (an assumption)", "the queue an async need hands its work to; it must be up"),
    Key("verified", VERIFIED, "not verified", "who has shown that the caller survives as described"),
    also={
        "oneOf": [{"required": ["service"]}, {"required": ["any_of"]}, {"required": ["k", "of"]}],
        "allOf": [
            {"if": {"not": {"required": ["service"]}}, "then": {"properties": dict.fromkeys(NOT_IN_GROUPS, False)}},
            {
                "if": {"required": ["fallback"]},
                "then": {"properties": {"hardness": {"enum": ["soft", "unknown"]}, "mode": {"const": "sync"}}},
            },
            {"if": {"required": ["broker"]}, "then": {"properties": {"mode": {"const": "async"}}, "required": ["mode"]}},
        ],
        "dependentRequired": {"k": ["of"], "of": ["k"]},
    },
)

_NEEDS = ListOf(AnyOf((v.SERVICE, NEED)))

FAILOVER = Table(
    "failover",
    "How the standby takes over",
    Key("time", v.DURATION, "required", "how long the standby takes to step in", is_required=True),
    Key("coverage", v.SHARE, "100%", "how often it manages to"),
    Key("verified", VERIFIED, "not verified", "who has shown that it does"),
)

_ONE_COPY = {"anyOf": [{"required": ["availability"]}, {"required": ["measured"]}]}

PLACEMENT = Table(
    "placement",
    "Where the copies of a service run",
    Key("copies", MapOf(v.PATH, integer(1, v.MOST_COPIES), least=1), "required", "failure domain: number of copies", is_required=True),
    Key("availability", v.AVAILABILITY, "none: one event for the whole service", "of one copy, alone; replaces the service's own"),
    Key("measured", MEASURED, "none", "requests to one copy: what its availability is where none is stated; replaces the service's own"),
    Key("common_cause", v.SHARE, "10%", "the share of a copy's downtime that takes all copies down; beside `availability` or `measured`"),
    Key("need", integer(1), "the copies left when the fullest domain is lost", "how many copies carry the load"),
    Key("affinity", v.AFFINITY, "any", "which copies of a need serve a copy"),
    Key("mode", v.PLACEMENT_MODE, "active-active", "whether all copies serve, or the second waits for the first to fail"),
    Key("failover", FAILOVER, "required for `active-passive`", "how the standby takes over"),
    Key("verified", VERIFIED, "not verified", "who has shown that the other copies carry the load"),
    also={
        "allOf": [{"if": {"required": ["common_cause"]}, "then": _ONE_COPY}],
        "if": {"properties": {"mode": {"const": "active-passive"}}, "required": ["mode"]},
        "then": {"required": ["failover"], "properties": {"need": False, "affinity": False}},
        "else": {"properties": {"failover": False}},
    },
)

ENDPOINT = Table(
    "endpoint",
    "A part of a service that is called by its own name",
    Key("tier", v.TIER, "none", "its own promise"),
    Key(
        "share", v.SHARE, "every endpoint is needed", "its share of the service's requests: all endpoints have one, or none; together 100%"
    ),
    Key("needs", _NEEDS, "none", "its own needs, beside those of the service"),
    is_nothing_allowed=True,
)

SERVICE = Table(
    "service",
    "A service",
    Key("tier", v.TIER, "none (a finding)", "the row of the tier table it promises to meet"),
    Key("target", v.TARGET, "the tier's", "the promise itself, where it differs from the tier's"),
    Key(
        "availability",
        v.AVAILABILITY,
        "measured, else the promise (an assumption)",
        "own: how often it works, given that what it needs and where it runs work",
    ),
    Key("measured", MEASURED, "none", "requests that reached it: what own is where none is stated, and how sure that is"),
    Key("observed", v.AVAILABILITY, "none", "measured end to end; shown, never used to compute"),
    Key("owner", v.NAME, "none", "the team that answers for it"),
    Key("plane", v.PLANE, "data", "`data` serves user traffic, `control` changes the fleet"),
    Key("layer", integer(0), "none: layer rules skip it", "its height in the call stack; calls go down"),
    Key("budget", v.SOME_TIME, "the smallest timeout its callers use, else unknown", "the time one request may take here"),
    Key("mttr", v.SOME_TIME, "60m", "the mean length of its outages"),
    Key("aliases", ListOf(v.NAME), "none", "other names it has in manifests and telemetry; `*` stands for any text"),
    Key("cells", integer(1), "1", "how many cells its users are partitioned into"),
    Key("external", v.BOOLEAN, "false", "whether somebody else runs it"),
    Key("needs", _NEEDS, "none", "what it cannot do without, or survives without as described"),
    Key("endpoints", MapOf(v.NAME, ENDPOINT), "none", "parts with needs, shares or tiers of their own"),
    Key("placement", PLACEMENT, "one copy, no failure domain", "where its copies run"),
    is_nothing_allowed=True,
    also={
        "if": {"properties": {"placement": _ONE_COPY}, "required": ["placement"]},
        "then": {"properties": {"availability": False, "measured": False}},
    },
)

DOMAIN = Table(
    "domain",
    "A failure domain: what fails as one. Its path is inside every prefix: `us-east-1/a` is inside `us-east-1`",
    Key("kind", v.DOMAIN_KIND, "by depth: region, zone, part", "what it is"),
    Key("availability", v.AVAILABILITY, "not counted (an assumption)", "given that the domains around it work"),
    Key("mttr", v.SOME_TIME, "60m", "the mean length of its outages"),
    is_nothing_allowed=True,
)

_NAMES = ListOf(v.SERVICE, least=1)

CRITERION = Table(
    "criterion",
    "A group a journey needs some of",
    Key("any_of", _NAMES, "this, or `k` and `of`", "services of which one is enough"),
    Key("k", integer(1, 10_000), "see `any_of`", "how many of `of` must work"),
    Key("of", _NAMES, "see `any_of`", "the services of which `k` must work"),
    also={"oneOf": [{"required": ["any_of"]}, {"required": ["k", "of"]}], "dependentRequired": {"k": ["of"], "of": ["k"]}},
)

JOURNEY = Table(
    "journey",
    "Something a user sees, such as checkout or playback",
    Key("tier", v.TIER, "none", "its promise"),
    Key("succeeds", ListOf(AnyOf((v.SERVICE, CRITERION)), least=1), "required", "all of these must work", is_required=True),
    Key("users", v.SHARE, "unknown", "the share of users who take it"),
)

WAIVER = Table(
    "waiver",
    "An accepted exception to a rule",
    Key("rule", v.NAME, "required", "code or name of the rule, such as TT101", is_required=True),
    Key("subject", v.NAME, "required", "what the finding is about, as it is printed", is_required=True),
    Key("owner", v.NAME, "required", "who answers for it", is_required=True),
    Key("reason", v.FREE_TEXT, "required", "why it is accepted", is_required=True),
    Key("expires", v.DATE, "required", "its last day; then it is a finding itself", is_required=True),
)

TIER_ROW = Table(
    "tier",
    "A row of the tier table",
    Key("target", v.TARGET, "no promise (the last tier only)", "the availability it promises"),
    is_nothing_allowed=True,
)

POLICY = Table(
    "policy",
    "What holds for the whole fleet",
    Key("tiers", MapOf(v.TIER, TIER_ROW, least=1), "T0 99.999%, T1 99.99%, T2 99.9%, T3 99%, T4 none", "the tiers, strictest first"),
)

CATALOG = Table(
    "catalog",
    "A catalog: one file or many, merged",
    Key("version", v.VERSION, "1", "the version of this format"),
    Key("services", MapOf(v.NAME, SERVICE), "none", "services by name"),
    Key("domains", MapOf(v.PATH, DOMAIN), "none", "failure domains by path"),
    Key("journeys", MapOf(v.NAME, JOURNEY), "none", "what users see, by name"),
    Key("waivers", ListOf(WAIVER), "none", "accepted exceptions"),
    Key("policy", POLICY, "the built-in tiers", "what holds for the whole fleet, in one file only"),
)
