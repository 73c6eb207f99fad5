"""Flags out of signed documents, through OpenFeature's own client, held against flagd's own provider on the same file."""

# ruff: noqa: FBT003 - OpenFeature takes the caller's default by position

from __future__ import annotations

import asyncio
import json
import math
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("openfeature.contrib.tools.flagd.core")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus

from runtime.tests.signed import NOW, TRUSTED, signed
from truetier_runtime import refusal
from truetier_runtime.adapters.flagd import flag_mistakes
from truetier_runtime.adapters.openfeature import SNAPSHOT_AGE, SNAPSHOT_VERSION, FlagProvider
from truetier_runtime.copies import Copies, Files
from truetier_runtime.errors import SourceDownError, UsageError
from truetier_runtime.examine import Limits, Rules
from truetier_runtime.poller import Pace, Poller
from truetier_runtime.snapshot import Clocks, Reader
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from openfeature.client import OpenFeatureClient
    from openfeature.provider import FeatureProvider

    from truetier_runtime.sources import Fetched


def flag(
    on: object = True,  # noqa: FBT002 - any value
    off: object = False,  # noqa: FBT002
    *,
    default: str | None = "off",
    targeting: object = None,
    **more: object,
) -> dict[str, Any]:
    made = {"state": "ENABLED", "variants": {"on": on, "off": off}, "defaultVariant": default, **more}
    return made if targeting is None else {**made, "targeting": targeting}


def share(percent: int) -> dict[str, Any]:
    return flag(targeting={"fractional": [["on", percent], ["off", 100 - percent]]})


FLAGS = {
    "new-checkout": flag(),
    "colour": flag("red", "blue"),
    "retries": flag(3, 0),
    "rate": flag(0.5, 0),
    "theme": flag({"a": [1]}, {"a": []}),
}
DEFAULTS = {"flags": FLAGS, "limits": {"rps": 1}}


def wanted(flags: object, **beside: object) -> dict[str, Any]:
    return {"flags": flags, "limits": {"rps": 2}, **beside}


class Served:
    """A reader whose clocks stand still, the provider on it, and a client of OpenFeature's."""

    def __init__(self, *, copies: Copies | None = None, rules: Rules | None = None, defaults: Mapping[str, Any] = DEFAULTS) -> None:
        self.wall, self.monotonic = FakeClock(NOW), FakeClock(50)
        demands = rules or Rules("shop", TRUSTED, limits=Limits(max_removed=1), validate=flag_mistakes)
        self.reader = Reader(demands, defaults, copies, clocks=Clocks(wall=self.wall, monotonic=self.monotonic))
        self.reader.start()
        self.provider = FlagProvider(self.reader, stale_after=300)
        self.client: OpenFeatureClient = api.get_client("shop")
        self.events: list[tuple[ProviderEvent, EventDetails]] = []
        self._arrived = threading.Condition()
        api.set_provider_and_wait(self.provider, "shop")
        for event in ProviderEvent:
            self.client.add_handler(event, partial(self._hear, event))
        self.heard(1)
        self.events.clear()

    def _hear(self, event: ProviderEvent, details: EventDetails) -> None:
        with self._arrived:
            self.events.append((event, details))
            self._arrived.notify_all()

    def heard(self, count: int) -> list[ProviderEvent]:
        """The events, once there are as many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.events) >= count, 10), self.events
            return [event for event, _ in self.events]

    def offer(self, version: int, values: object, **terms: Any) -> list[str]:  # noqa: ANN401 - what Terms takes
        return [str(mistake) for mistake in self.reader.offer(signed(version, values, **terms))]


@pytest.fixture(autouse=True)
def nobody_is_left_over() -> Iterator[None]:
    yield
    api.shutdown()
    api.clear_providers()
    api.clear_hooks()
    from openfeature import _event_support

    _event_support.clear()


def flagd_on(path: Path, values: object) -> FeatureProvider:
    """flagd's own provider, in file mode."""
    flagd = pytest.importorskip("openfeature.contrib.provider.flagd")
    from openfeature.contrib.provider.flagd.config import ResolverType

    path.write_text(json.dumps(values))
    # It looks at its file again after this time; no test lasts so long.
    made: FeatureProvider = flagd.FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=10_000_000)
    made.resolver.connector._load_data()  # type: ignore[attr-defined]  # without the thread that would outlive the test
    return made


def answer(provider: FeatureProvider, kind: str, key: str, default: object, context: EvaluationContext | None) -> object:
    """All that a provider says, but for our own metadata."""
    try:
        details = getattr(provider, f"resolve_{kind}_details")(key, default, context)
    except OpenFeatureError as error:
        return error.error_code, error.error_message
    except Exception as error:  # noqa: BLE001 - what flagd lets through we let through
        return type(error), str(error)
    metadata = {name: value for name, value in details.flag_metadata.items() if name not in (SNAPSHOT_VERSION, SNAPSHOT_AGE)}
    return details.value, type(details.value), details.variant, details.reason, details.error_code, metadata


# -- as flagd

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
VERSIONS = ["1.2.3", "2.0.0-a", "v1", "1.2", "no version"]
EMAILS = ["ann@shop.example", "bob@example.com", "käthe@shop.example", ""]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 1.0, *VERSIONS, *EMAILS]), NAMES)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(EMAILS),
        "version": st.sampled_from(VERSIONS),
        "country": st.sampled_from(["at", "de", "ch"]),
        "age": st.one_of(st.integers(-1, 99), st.just(17.5)),
        "groups": st.lists(st.sampled_from(["staff", "beta"]), max_size=2),
    },
)
CONTEXTS = st.builds(
    EvaluationContext,
    st.one_of(st.integers(0, 10**6).map("user-{}".format), NAMES, st.none()),
    st.one_of(
        ATTRIBUTES, ATTRIBUTES, ATTRIBUTES, st.dictionaries(st.sampled_from(["email", "version", "country", "age", "groups"]), SCALARS)
    ),
)
VARIABLES = st.sampled_from(["email", "version", "country", "age", "groups", "targetingKey", "$flagd.flagKey", "nothing"]).map(
    lambda name: {"var": name}
)
CONDITIONS = st.recursive(
    st.one_of(
        st.sampled_from(["a", "ann@", ""]).map(lambda text: {"starts_with": [{"var": "email"}, text]}),
        st.builds(lambda one, text: {"ends_with": [one, text]}, VARIABLES, st.sampled_from(["shop.example", "t", ""])),
        st.builds(
            lambda one, how, other: {"sem_ver": [{"var": one}, how, other]},
            st.sampled_from(["version", "version", "version", "email"]),
            st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "^", "~"]),
            st.sampled_from(["1.0.0", "1.2", "2.0.0-alpha.1"]),
        ),
        st.builds(lambda how, one, other: {how: [one, other]}, st.sampled_from(["==", "===", "!=", "<", ">=", "in"]), VARIABLES, SCALARS),
        st.builds(lambda one, some: {"in": [one, some]}, VARIABLES, st.lists(SCALARS, max_size=3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda how, some: {how: some}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
        inner.map(lambda one: {"!": [one]}),
    ),
    max_leaves=4,
)


def rules_for(variants: list[str]) -> st.SearchStrategy[dict[str, object]]:
    """Rules whose results are names of these variants, or nothing."""
    name = st.sampled_from(variants)
    pair = st.tuples(name, st.integers(0, 100)).map(list)
    odd = st.one_of(name.map(lambda one: [one]), st.tuples(name, st.just({"var": "age"})).map(list))
    pairs = st.one_of(*[st.lists(each, min_size=1, max_size=4) for each in (pair, pair, pair, odd)]).map(
        lambda some: [*some, [variants[0], 1]]
    )
    key = st.one_of(st.just({"var": "targetingKey"}), st.just({"cat": ["salt", {"var": "targetingKey"}]}), VARIABLES)
    fractions = st.one_of(pairs.map(lambda some: {"fractional": some}), st.builds(lambda by, some: {"fractional": [by, *some]}, key, pairs))
    answers = st.one_of(fractions, name, st.none(), st.just({"$ref": "beta"}))
    choices = st.builds(
        lambda first, yes, second, maybe, no: {"if": [first, yes, {"if": [second, maybe, no]}]},
        CONDITIONS,
        answers,
        CONDITIONS,
        answers,
        answers,
    )
    return st.one_of(
        fractions, choices, st.builds(lambda test, yes, no: {"if": [test, yes, no]}, CONDITIONS, answers, answers), st.just({})
    )


VARIANTS: list[dict[str, Any]] = [
    {"true": True, "false": False},
    {"red": "r", "blue": "", "5": "käse"},
    {"one": 1, "two": 2.5, "zero": 0},
    {"a": {"x": [1, {"y": None}]}, "b": {}},
]


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    variants = draw(st.sampled_from(VARIANTS))
    made: dict[str, Any] = {"state": draw(st.sampled_from(["ENABLED", "ENABLED", "ENABLED", "DISABLED"])), "variants": variants}
    if draw(st.booleans()):
        made["defaultVariant"] = draw(st.sampled_from([*variants, None]))
    if draw(st.booleans()):
        made["metadata"] = {"team": "shop", "size": 2, "old": False}
    if draw(st.integers(0, 3)):
        made["targeting"] = draw(rules_for(list(variants)))
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    flags = draw(st.dictionaries(NAMES.filter(bool), definitions(), min_size=1, max_size=4))
    # Names of variants that an evaluator gives have to be there in each flag that refers to it; null is, always. flagd's core in Python
    # cannot put in an evaluator that has a backslash when it is written as JSON: such a document is refused, which has a test below.
    beta = {"if": [draw(CONDITIONS.filter(lambda one: "\\" not in json.dumps(one))), None, None]}
    return {"flags": flags, "$evaluators": {"beta": beta}, "metadata": draw(st.sampled_from([{}, {"flagSetId": "shop", "version": "7"}]))}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=documents(), contexts=st.lists(st.one_of(st.none(), CONTEXTS), min_size=1, max_size=4))
def test_every_answer_is_the_one_that_flagds_own_provider_gives(
    tmp_path: Path, values: dict[str, Any], contexts: list[EvaluationContext | None]
) -> None:
    assert flag_mistakes(values) == []
    reader = Reader(Rules("shop", TRUSTED, limits=Limits(max_removed=1), validate=flag_mistakes), DEFAULTS)
    assert reader.offer(signed(1, values, not_after=2**40)) == ()
    ours, theirs = FlagProvider(reader), flagd_on(tmp_path / "flags.json", values)
    for key in [*values["flags"], "nobody's"]:
        for kind, default in (("boolean", True), ("string", "x"), ("integer", 9), ("float", 9.5), ("object", {"z": 1})):
            for context in contexts:
                assert answer(ours, kind, key, default, context) == answer(theirs, kind, key, default, context), (key, kind)


PAIRS = [["a", 7], ["b", 0], ["c", 13], ["a", 1], ["d"], ["c", 978]]


@pytest.mark.parametrize("by", [[], [{"var": "targetingKey"}], [{"cat": [{"var": "$flagd.flagKey"}, "-salt-", {"var": "targetingKey"}]}]])
def test_every_one_of_ten_thousand_users_is_in_the_bucket_that_flagds_own_provider_puts_him_in(tmp_path: Path, by: list[object]) -> None:
    values = wanted({"x": {"state": "ENABLED", "variants": {name: name for name in "abcd"}, "targeting": {"fractional": [*by, *PAIRS]}}})
    served = Served()
    assert served.offer(1, values) == []
    theirs = flagd_on(tmp_path / "flags.json", values)
    ours = [served.provider.resolve_string_details("x", "", user).variant for user in USERS]
    assert ours == [theirs.resolve_string_details("x", "", user).variant for user in USERS]
    assert set(ours) == {"a", "c", "d"}


# -- shares of users

USERS = [EvaluationContext(f"user-{number}") for number in range(10_000)]


def users_on(client: OpenFeatureClient, key: str = "new-checkout", users: list[EvaluationContext] = USERS) -> set[str]:
    return {str(user.targeting_key) for user in users if client.get_boolean_value(key, False, user)}


def test_a_share_of_users_is_that_share_and_who_is_in_stays_in_when_it_grows() -> None:
    served, before, last = Served(), set[str](), 0
    for version, percent in enumerate((1, 10, 20, 50, 99, 100), 1):
        assert served.offer(version, wanted({"new-checkout": share(percent)})) == []
        now = users_on(served.client)
        sigma = math.sqrt(len(USERS) * percent / 100 * (1 - percent / 100))
        assert abs(len(now) - len(USERS) * percent / 100) <= 4 * sigma, percent
        assert before <= now, f"somebody who was in at {last} % is out at {percent} %"
        before, last = now, percent


def test_the_share_counts_and_not_the_weights_it_is_written_with() -> None:
    served = Served()
    served.offer(1, wanted({"a": flag(targeting={"fractional": [{"var": "targetingKey"}, ["on", 1], ["off", 9]]})}))
    tenth = users_on(served.client, "a")
    served.offer(2, wanted({"a": flag(targeting={"fractional": [{"var": "targetingKey"}, ["on", 10], ["off", 90]]})}))
    assert users_on(served.client, "a") == tenth
    served.offer(3, wanted({"a": flag(targeting={"fractional": [{"var": "targetingKey"}, ["off", 9], ["on", 1]]})}))
    assert not users_on(served.client, "a") & tenth  # the other end of the line


def test_only_the_first_and_the_last_share_keep_their_users_when_they_grow() -> None:
    served = Served()

    def middle(first: int) -> set[str]:
        pairs = [["a", first], ["b", 10], ["c", 90 - first]]
        served.offer(
            first, wanted({"x": {"state": "ENABLED", "variants": {name: name for name in "abc"}, "targeting": {"fractional": pairs}}})
        )
        return {str(user.targeting_key) for user in USERS if served.client.get_string_value("x", "", user) == "b"}

    assert not middle(10) & middle(20)


def test_flags_that_hash_the_key_alone_pick_the_same_users_and_those_with_their_name_others() -> None:
    served = Served()
    by_key = {"fractional": [{"var": "targetingKey"}, ["on", 10], ["off", 90]]}
    served.offer(1, wanted({"a": flag(targeting=by_key), "b": flag(targeting=by_key), "c": share(10), "d": share(10)}))
    assert users_on(served.client, "a") == users_on(served.client, "b")
    both = len(users_on(served.client, "c") & users_on(served.client, "d"))
    assert abs(both - 100) <= 4 * math.sqrt(10_000 * 0.01 * 0.99)


# -- what is refused


@pytest.mark.parametrize("flags", [{}, None, [], "all of them"])
def test_a_document_without_flags_is_refused_however_much_else_it_says(flags: object) -> None:
    served = Served()
    assert served.offer(1, wanted({"a": flag()})) == []
    (told,) = served.offer(2, wanted(flags))
    assert told.startswith(f"{refusal.SCHEMA}: flags: an object with at least one flag was expected, found ")
    assert served.client.get_boolean_value("a", True) is False


MALFORMED = {
    "flags.a: an object was expected, found 1": 1,
    "flags.a.state: ENABLED or DISABLED was expected, found nothing": {"variants": {"on": True}},
    'flags.a.state: ENABLED or DISABLED was expected, found "enabled"': flag(state="enabled"),
    "flags.a.variants: an object with at least one variant was expected, found {}": flag(variants={}, default=None),
    "flags.a.variants: values of one type, boolean, string, number or object, were expected, found boolean and string": flag(True, "no"),
    "flags.a.variants: values of one type, boolean, string, number or object, were expected, found null": flag(None, None),
    'flags.a.defaultVariant: "maybe" is none of the variants "on", "off"': flag(default="maybe"),
    "flags.a.defaultVariat: no such key; there are defaultVariant, metadata, selector, source, state, targeting, variants": flag(
        defaultVariat="on"
    ),
    "flags.a.metadata.m: a name and a text, number, true or false were expected, found [1]": flag(metadata={"m": [1]}),
    'flags.a.targeting: a rule was expected, found "on"': flag(targeting="on"),
    "flags.a.targeting: one operator was expected, found ==, in": flag(targeting={"==": [1, 1], "in": [1, [1]]}),
    "flags.a.targeting: there is no operator 'starts_wth'": flag(targeting={"starts_wth": [{"var": "x"}, "a"]}),
    "flags.a.targeting.if[0].and[1]: there is no operator 'iff'": flag(targeting={"if": [{"and": [True, {"iff": []}]}, "on", "off"]}),
    'flags.a.targeting.if[1]: "onn" is none of the variants "on", "off"': flag(targeting={"if": [{"var": "x"}, "onn", "off"]}),
    'flags.a.targeting.if[2].if[2]: "of" is none of the variants "on", "off"': flag(
        targeting={"if": [{"var": "x"}, "on", {"if": [{"var": "y"}, "off", "of"]}]}
    ),
    'flags.a.targeting.fractional[1][0]: "green" is none of the variants "on", "off"': flag(
        targeting={"fractional": [["on", 5], ["green", 5]]}
    ),
    "flags.a.targeting.fractional[0][1]: a whole number from 0 was expected, found 1.5": flag(
        targeting={"fractional": [["on", 1.5], ["off", 2]]}
    ),
    "flags.a.targeting.fractional: weights add up to 0, from 1 to 2147483647 were expected": flag(
        targeting={"fractional": [["on", 0], ["off", 0]]}
    ),
    "flags.a.targeting.fractional: weights add up to 4294967296, from 1 to 2147483647 were expected": flag(
        targeting={"fractional": [["on", 2**31], ["off", 2**31]]}
    ),
    "flags.a.targeting.fractional[1]: a variant and its weight were expected, found 50": flag(targeting={"fractional": ["on", 50]}),
    "flags.a.targeting.fractional: pairs of a variant and its weight were expected, found none": flag(
        targeting={"fractional": [{"var": "x"}]}
    ),
    "flags.a.targeting.if[0].ends_with: two texts were expected, found 1 arguments": flag(
        targeting={"if": [{"ends_with": "x"}, "on", "off"]}
    ),
    'flags.a.targeting.if[0].sem_ver[1]: one of = != < <= > >= ^ ~ was expected, found "=>"': flag(
        targeting={"if": [{"sem_ver": [{"var": "v"}, "=>", "1.0.0"]}, "on", "off"]}
    ),
    'flags.a.targeting.if[0].sem_ver[2]: a version was expected, found "one"': flag(
        targeting={"if": [{"sem_ver": [{"var": "v"}, "=", "one"]}, "on", "off"]}
    ),
    'flags.a.targeting.if[0].$ref: the evaluator "nobody" is not there': flag(targeting={"if": [{"$ref": "nobody"}, "on", "off"]}),
}


@pytest.mark.parametrize(("mistake", "definition"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_a_malformed_flag_is_refused_with_its_place(mistake: str, definition: object) -> None:
    served = Served()
    assert served.offer(1, wanted({"fine": flag(), "a": definition})) == [f"{refusal.SCHEMA}: {mistake}"]
    assert served.reader.version == 0


def test_all_mistakes_of_all_flags_are_told_at_once() -> None:
    told = Served().offer(1, wanted(dict(zip("abc", list(MALFORMED.values())[:3], strict=True)), metadata=[], **{"$evaluators": []}))
    assert len(told) == 5


def test_an_evaluator_that_refers_to_one_before_it_is_refused_because_flagd_would_not_put_it_in() -> None:
    evaluators = {"first": {"==": [1, 1]}, "second": {"!": [{"$ref": "first"}]}}
    values = wanted({"a": flag(targeting={"if": [{"$ref": "second"}, "on", "off"]})}, **{"$evaluators": evaluators})
    (told,) = Served().offer(1, values)
    assert 'the evaluator "first" has to come after the one that refers to it' in told
    values["$evaluators"] = dict(reversed(evaluators.items()))
    served = Served()
    assert served.offer(1, values) == []
    assert served.client.get_boolean_details("a", True).variant == "off"


@pytest.mark.parametrize("evaluators", [40, 500])
def test_evaluators_that_would_fill_any_memory_are_refused_before_they_are_put_in(evaluators: int) -> None:
    rules = {f"e{n}": {"and": [{"$ref": f"e{n + 1}"}, {"$ref": f"e{n + 1}"}]} for n in range(evaluators)}
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "targeting": {"if": [{"$ref": "e0"}, "on", "off"]}}
    wrong = flag_mistakes({"flags": {"a": flag}, "$evaluators": {**rules, f"e{evaluators}": {"==": [1, 1]}}})
    assert wrong == ["$evaluators: wherever they are referred to they add more than 1000000 values to the flags"]


def test_what_flagds_core_itself_cannot_take_in_is_refused() -> None:
    rule = {"in": ["\\d", [{"var": "x"}]]}  # the core puts evaluators in by a regular expression, and a backslash means something there
    values = wanted({"a": flag(targeting={"if": [{"$ref": "r"}, "on", "off"]})}, **{"$evaluators": {"r": rule}})
    (told,) = Served().offer(1, values)
    assert told.startswith(f"{refusal.SCHEMA}: flags: ")


def test_a_flag_that_the_program_knows_cannot_change_its_type() -> None:
    demands = Rules("shop", TRUSTED, limits=Limits(max_removed=1), validate=partial(flag_mistakes, like=DEFAULTS))
    served = Served(rules=demands)
    assert served.offer(1, wanted({"retries": flag("three", "none"), "colour": flag(1, 2), "new": flag("a", "b")})) == [
        f"{refusal.SCHEMA}: flags.retries.variants: the program reads a number, found a string",
        f"{refusal.SCHEMA}: flags.colour.variants: the program reads a string, found a number",
    ]
    assert served.offer(1, wanted({"retries": flag(5.5, 1)})) == []


def test_defaults_that_cannot_be_evaluated_end_the_program_before_it_begins() -> None:
    with pytest.raises(UsageError, match="flags: an object with at least one flag was expected"):
        Served(defaults={"limits": {"rps": 1}})
    with pytest.raises(UsageError, match=r"flags\.a\.state"):
        FlagProvider(Reader(Rules("shop", TRUSTED), {"flags": {"a": flag(state="on")}}))


# -- answers


def test_an_answer_says_its_reason_variant_and_the_document_it_is_from() -> None:
    served = Served()
    served.offer(
        7,
        wanted(
            {"new-checkout": flag(targeting={"if": [{"ends_with": [{"var": "email"}, "@shop.example"]}, "on"]}, metadata={"team": "shop"})}
        ),
    )
    served.monotonic.advance(12)
    inside = served.client.get_boolean_details("new-checkout", False, EvaluationContext("u", {"email": "a@shop.example"}))
    assert (inside.value, inside.variant, inside.reason) == (True, "on", Reason.TARGETING_MATCH)
    assert inside.flag_metadata == {"team": "shop", SNAPSHOT_VERSION: 7, SNAPSHOT_AGE: 12.0}
    outside = served.client.get_boolean_details("new-checkout", True, EvaluationContext("u", {"email": "a@b.example"}))
    assert (outside.value, outside.variant, outside.reason) == (False, "off", Reason.DEFAULT)


def test_each_type_is_read_as_it_is_and_no_other() -> None:
    client = Served().client
    assert client.get_boolean_value("new-checkout", True) is False
    assert client.get_string_value("colour", "?") == "blue"
    assert client.get_integer_value("retries", 9) == 0
    assert (client.get_float_value("rate", 9.5), type(client.get_float_value("rate", 9.5))) == (0.0, float)
    assert client.get_object_value("theme", {}) == {"a": []}
    wrong = client.get_string_details("retries", "mine")
    assert (wrong.value, wrong.reason, wrong.error_code) == ("mine", Reason.ERROR, ErrorCode.TYPE_MISMATCH)


def test_the_asynchronous_methods_say_the_same() -> None:
    client = Served().client

    async def read() -> list[object]:
        return [
            await client.get_boolean_value_async("new-checkout", True),
            await client.get_string_value_async("colour", "?"),
            await client.get_integer_value_async("retries", 9),
            await client.get_float_value_async("rate", 9.5),
            await client.get_object_value_async("theme", {}),
        ]

    assert asyncio.run(read()) == [False, "blue", 0, 0.0, {"a": []}]


def test_a_flag_that_is_disabled_and_one_that_is_not_there_give_what_the_caller_says() -> None:
    served = Served()
    served.offer(1, wanted({"off": flag(state="DISABLED", default="on"), "a": flag()}))
    disabled = served.client.get_boolean_details("off", False)
    assert (disabled.value, disabled.reason, disabled.error_code) == (False, Reason.DISABLED, None)
    gone = served.client.get_boolean_details("new-checkout", True)
    assert (gone.value, gone.reason, gone.error_code) == (True, Reason.ERROR, ErrorCode.FLAG_NOT_FOUND)


def test_a_caller_that_changes_the_object_it_was_given_changes_nothing_for_others() -> None:
    client = Served().client
    mine: Any = client.get_object_value("theme", {})
    mine["a"].append("spoilt")
    assert client.get_object_value("theme", {}) == {"a": []}


def test_values_beside_the_flags_are_read_as_ever() -> None:
    served = Served()
    served.offer(1, wanted(FLAGS))
    assert served.reader.values["limits"]["rps"] == 2


def test_a_hundred_thousand_flags_are_evaluated_without_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served()
    served.offer(1, wanted({"new-checkout": share(30)}))

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr(socket, "create_connection", no_socket)
    monkeypatch.setattr(socket, "getaddrinfo", no_socket)
    evaluate = served.provider.resolve_boolean_details
    seen = [evaluate("new-checkout", False, USERS[number % len(USERS)]).value for number in range(100_000)]
    assert sum(seen) == 10 * len(users_on(served.client))


# -- states and events


def test_a_new_document_tells_which_flags_are_others_new_or_gone() -> None:
    served = Served()
    served.offer(1, wanted({"a": flag(), "b": share(1), "c": flag()}, **{"$evaluators": {}}))
    served.offer(2, wanted({"a": flag(), "b": share(2), "d": flag()}))
    assert served.heard(2) == [ProviderEvent.PROVIDER_CONFIGURATION_CHANGED] * 2
    assert served.events[0][1].flags_changed == sorted([*FLAGS, "a", "b", "c"])
    assert (served.events[1][1].flags_changed, served.events[1][1].metadata) == (["b", "c", "d"], {SNAPSHOT_VERSION: 2})
    served.offer(3, wanted({"a": flag(), "b": share(2), "d": flag()}, more=1))
    served.offer(4, wanted({"a": flag(), "b": share(3), "d": flag()}))
    served.heard(3)
    assert [details.flags_changed for _, details in served.events[2:]] == [["b"]]


def test_a_refused_document_tells_nothing_and_changes_no_answer() -> None:
    served = Served()
    served.offer(1, wanted({"a": flag(default="on")}))
    assert served.offer(2, wanted({"a": flag(default="maybe")})) != []
    assert served.offer(1, wanted({"a": flag(default="off")})) != []
    assert served.client.get_boolean_details("a", False).flag_metadata[SNAPSHOT_VERSION] == 1
    assert served.heard(1) == [ProviderEvent.PROVIDER_CONFIGURATION_CHANGED]


class Down:
    def fetch(self, tag: str, most_bytes: int) -> Fetched:  # noqa: ARG002 - of the interface
        raise SourceDownError("nobody is there")


def test_a_source_that_is_down_for_long_makes_flags_stale_and_not_one_of_them_fails() -> None:
    served = Served()
    document = signed(1, wanted({"a": flag(default="on")}))
    served.reader.offer(document)
    served.heard(1)
    poller = Poller(served.reader, Down(), Pace(30), clock=served.monotonic, draw=lambda: 0.5)
    for _ in range(11):
        served.monotonic.advance(30)
        poller.step()
        assert served.client.get_boolean_value("a", False) is True
    assert served.heard(2)[1:] == [ProviderEvent.PROVIDER_STALE]
    assert served.client.get_provider_status() is ProviderStatus.STALE
    assert served.events[1][1].message == "the source has not confirmed version 1 for 330 s"
    served.reader.offer(document)  # the same again: it is confirmed
    served.reader.check()
    assert served.heard(3)[2:] == [ProviderEvent.PROVIDER_READY]
    assert served.client.get_provider_status() is ProviderStatus.READY


class Overtaken(FlagProvider):
    """One whose thread pauses before it tells that it is stale, while another brings what confirms it."""

    def emit(self, event: ProviderEvent, details: ProviderEventDetails) -> None:
        if event is ProviderEvent.PROVIDER_STALE:
            self._reader.confirm()
            other = threading.Thread(target=self._reader.check)
            other.start()
            other.join()
        super().emit(event, details)


def test_a_state_that_was_overtaken_while_it_was_told_is_not_the_last_that_is_told() -> None:
    served = Served()
    provider = Overtaken(served.reader, stale_after=300)
    api.set_provider_and_wait(provider, "shop")
    served.monotonic.advance(301)
    served.reader.check()
    assert served.client.get_provider_status() is ProviderStatus.READY


def test_what_has_expired_is_stale_and_goes_on_being_evaluated() -> None:
    served = Served()
    served.offer(1, wanted({"a": flag(default="on")}), not_after=NOW + 60)
    served.heard(1)
    served.wall.advance(61)
    served.reader.check()
    assert served.heard(2)[1:] == [ProviderEvent.PROVIDER_STALE]
    assert served.events[1][1].message == "version 1 has expired"
    assert served.client.get_boolean_value("a", False) is True
    served.offer(2, wanted({"a": flag(default="on")}))
    assert served.heard(3)[2:] == [ProviderEvent.PROVIDER_READY]  # nothing has changed but the terms


def test_a_cold_start_without_a_source_answers_from_the_copy_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Served(copies=Copies(str(tmp_path))).offer(5, wanted({"new-checkout": flag(default="on")}))
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a socket was opened"))
    served = Served(copies=Copies(str(tmp_path)))
    details = served.client.get_boolean_details("new-checkout", False)
    assert (details.value, details.flag_metadata[SNAPSHOT_VERSION]) == (True, 5)
    assert served.client.get_provider_status() is ProviderStatus.READY


class Hanging(Files):
    """A disk that does not answer before it is told to."""

    __slots__ = ("asked", "may_go_on")

    def __init__(self) -> None:
        self.asked, self.may_go_on = threading.Event(), threading.Event()

    def write(self, path: str, data: bytes) -> None:
        self.asked.set()
        assert self.may_go_on.wait(10)
        super().write(path, data)


def test_a_disk_that_hangs_holds_back_no_flag(tmp_path: Path) -> None:
    disk = Hanging()
    served = Served(copies=Copies(str(tmp_path), files=disk))
    offering = threading.Thread(target=served.offer, args=(1, wanted({"colour": flag("green", "green")})))
    offering.start()
    assert disk.asked.wait(10)
    assert served.client.get_string_value("colour", "?") == "green"
    disk.may_go_on.set()
    offering.join()
    assert Copies(str(tmp_path)).versions() == [1]


def test_a_cold_start_with_nothing_at_all_answers_from_the_defaults() -> None:
    served = Served()
    details = served.client.get_string_details("colour", "?")
    assert (details.value, details.flag_metadata[SNAPSHOT_VERSION]) == ("blue", 0)
    assert served.client.get_provider_status() is ProviderStatus.READY


def test_a_document_that_came_before_the_provider_was_set_is_the_one_that_is_evaluated() -> None:
    reader = Reader(Rules("shop", TRUSTED, validate=flag_mistakes), DEFAULTS)
    provider = FlagProvider(reader)
    reader.offer(signed(3, wanted({"a": flag(default="on")}), not_after=2**40))
    api.set_provider_and_wait(provider, "shop")
    assert api.get_client("shop").get_boolean_value("a", False) is True


def test_without_the_check_bad_flags_run_nowhere_and_the_state_is_an_error_until_there_are_good_ones() -> None:
    served = Served(rules=Rules("shop", TRUSTED, limits=Limits(max_removed=1)))
    assert served.offer(1, wanted({"colour": flag("a", "b", default="c")})) == []
    assert served.heard(1) == [ProviderEvent.PROVIDER_ERROR]
    assert served.events[0][1].message == 'flags.colour.defaultVariant: "c" is none of the variants "on", "off"'
    assert served.client.get_provider_status() is ProviderStatus.ERROR
    assert served.provider.resolve_string_details("colour", "?").value == "blue"
    served.offer(2, wanted({"colour": flag("a", "b")}))
    assert served.heard(3)[1:] == [ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ProviderEvent.PROVIDER_READY]
    assert served.client.get_string_value("colour", "?") == "b"


def test_after_a_shutdown_the_reader_is_followed_no_more() -> None:
    served = Served()
    served.provider.shutdown()
    served.offer(1, wanted({"colour": flag("a", "b")}))
    assert served.provider.resolve_string_details("colour", "?").value == "blue"
    served.provider.initialize(EvaluationContext())
    assert served.provider.resolve_string_details("colour", "?").value == "b"


def test_whoever_evaluates_while_documents_come_sees_one_document_at_a_time() -> None:
    served = Served()

    def of(version: int) -> dict[str, Any]:
        return wanted({"n": {"state": "ENABLED", "variants": {"v": version}, "defaultVariant": "v"}})

    served.offer(1, of(1))
    torn: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            details = served.provider.resolve_integer_details("n", 0)
            if details.value != details.flag_metadata[SNAPSHOT_VERSION]:
                torn.append(details)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 60):
        served.offer(version, of(version))
    stop.set()
    for thread in threads:
        thread.join()
    assert torn == []
    assert served.provider.resolve_integer_details("n", 0).value == 59
