"""The guards of the lab's services: as the catalog says, but for what is planted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from truetier.app.load import load_fleet
from truetier.report.guards import render
from truetier_lab.calls import Asker, CallFailedError
from truetier_lab.guarding import guards_of, written
from truetier_lab.place import CATALOG, Place
from truetier_lab.planted import Manner
from truetier_runtime.facts import Facts
from truetier_runtime.settings import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

FLEET = load_fleet((str(CATALOG),))


class Silent:
    """A callee that cannot be reached."""

    async def ask(self, item: str) -> None:
        raise ConnectionError(item)

    async def close(self) -> None:
        pass


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "facts").mkdir()
    place = Place(str(tmp_path), {}, {}, 0, None, {}, 1.0, Manner.DECLARED, "")
    (tmp_path / "guards.json").write_text(render(FLEET))
    return place


def answers(caller: str, callee: str, place: Place) -> bool:
    """Whether the caller goes on when the callee cannot be reached."""
    asker = Asker(guards_of(FLEET.services[caller], place)[callee], Silent())
    try:
        asyncio.run(asker.meet("lamp"))
    except CallFailedError:
        return False
    return True


def test_every_edge_has_the_limit_that_is_declared(place: Place) -> None:
    for service in FLEET.services.values():
        made = guards_of(service, place)
        for need in service.needs:
            declared = need.targets[0].timeout
            if declared is not None:
                assert made[need.service].timeout == declared.total_seconds()


def test_what_is_planted_waits_longer_than_declared_and_falls_back_in_name_only(place: Place) -> None:
    planted = place._replace(manner=Manner.PLANTED)
    assert guards_of(FLEET.services["search"], planted)["ads"].timeout is None
    assert guards_of(FLEET.services["stock"], planted)["warehouse"].timeout == 0.9
    assert answers("checkout", "fraud", place)
    assert not answers("checkout", "fraud", planted)
    assert answers("search", "ads", planted)


def test_a_service_that_calls_nobody_has_no_guards_and_one_with_a_queue_one_for_the_broker(place: Place) -> None:
    assert guards_of(FLEET.services["pricing"], place) == {}
    assert guards_of(FLEET.services["checkout"], place)["redis"].timeout == 0.25


def test_breakers_open_where_there_are_some(place: Place) -> None:
    for manner, state in ((Manner.DECLARED, "closed"), (Manner.BREAKERS, "open")):
        guard = guards_of(FLEET.services["catalog"], place._replace(manner=manner))["postgresql"]
        for _ in range(20):
            with pytest.raises(CallFailedError):
                asyncio.run(Asker(guard, Silent()).meet("lamp"))
        assert guard.state == state


def test_a_service_whose_code_lacks_a_fallback_that_is_declared_does_not_start(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier_lab.guarding._fallbacks", lambda *_: {})
    with pytest.raises(StartRefusedError, match="account -> redis: the catalog says a static fallback answers, the code has none"):
        guards_of(FLEET.services["account"], place)


def test_facts_are_in_their_file_when_a_service_has_ended(place: Place, tmp_path: Path) -> None:
    facts = Facts("search")
    guard = guards_of(FLEET.services["search"], place, (facts,))["ads"]
    facts.watch(guard)

    async def life() -> None:
        async with written(facts, place):
            for _ in range(7):
                await Asker(guard, Silent()).meet("lamp")

    asyncio.run(life())
    (edge,) = json.loads((tmp_path / "facts" / "search.json").read_text())["edges"]
    assert (edge["caller"], edge["callee"], edge["modes"]["unreachable"]["verdict"]) == ("search", "ads", "soft")
