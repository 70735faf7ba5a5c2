"""Pages that follow what is written: who may see a change is told of it, and nobody else is."""

import asyncio
from asyncio import create_task
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Wish
from beffroi.exchange.viewing.following import Followed
from beffroi.exchange.viewing.live_views import LiveViews, Watched
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.http.loop_serving import answered_on
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import ORIGIN, House
from tests.support.waiting import eventually, scaled

OLGA = Actor("olga", Role.OPERATOR, "")
GASTON = Actor("gaston", Role.MANAGER, "mairie")
EDITH = Actor("edith", Role.MANAGER, "ecole")
LAMP = "urn:ngsi-ld:Lamp:1"
HERE = MapView.held(0.2, 48.0, 14)
ELSEWHERE = MapView.held(4.0, 43.0, 14)
SILENT_S = 2.5
"""Long enough for the log to be looked at twice."""


def _lamp() -> Json:
    return {
        "id": LAMP,
        "type": "Lamp",
        "name": {"type": "Property", "value": "Place"},
        "power": {"type": "Property", "value": 5},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [0.2, 48.0]},
        },
    }


@pytest.fixture
async def lit(house: House) -> AsyncIterator[House]:
    """A console whose exchange writes and is followed, with a lamp of the town hall."""
    platform = house.platform
    loops = [
        create_task(one)
        for one in (
            platform.services.exchange.exchange.run(),
            platform.watch.run(),
            platform.services.live_views.run(),
        )
    ]
    await _keep(house, _lamp())
    yield house
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def _keep(house: House, document: Json) -> None:
    entity = read_entity(document, CORE, SystemClock().now())
    wish = Wish(entity.id, lambda _: entity)
    services = house.platform.services
    assert await services.exchange.exchange.carry_out(GASTON, "", [wish]) == [None]


async def _say(house: House, name: str, value: Json) -> None:
    """Change one attribute of the lamp, and nothing else."""
    iri, now = CORE.expand(name), SystemClock().now()

    def decide(held: Entity | None) -> Entity:
        assert held is not None
        said = msgspec.structs.replace(held.attributes[iri][0], value=value, modified_at=now)
        changed = {**held.attributes, iri: (said,)}
        return msgspec.structs.replace(held, attributes=changed, modified_at=now)

    services = house.platform.services
    assert await services.exchange.exchange.carry_out(GASTON, "", [Wish(LAMP, decide)]) == [None]


class _Told:
    """What one who looks was told."""

    def __init__(self) -> None:
        self.changes = 0
        self.is_there = asyncio.Event()

    async def listen(self, live: LiveViews, actor: Actor, watched: Watched) -> None:
        async for is_told in live.tidings(actor, watched):
            self.is_there.set()
            self.changes += is_told


@asynccontextmanager
async def _looking(house: House, *those: tuple[Actor, Watched]) -> AsyncIterator[Sequence[_Told]]:
    live, told = house.platform.services.live_views, [_Told() for _ in those]
    tasks = [
        create_task(one.listen(live, actor, watched))
        for one, (actor, watched) in zip(told, those, strict=True)
    ]
    for one in told:
        await one.is_there.wait()
    # The log is read from where it ends once somebody looks.
    await asyncio.sleep(scaled(0.3))
    yield told
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_write_is_told_to_those_who_may_see_it_and_to_nobody_else(lit: House) -> None:
    lamp, here = Watched("", LAMP), Watched("", view=HERE)
    seeing = [(OLGA, lamp), (GASTON, lamp), (OLGA, here), (GASTON, here)]
    blind = [(EDITH, lamp), (EDITH, here), (GASTON, Watched("", "urn:ngsi-ld:Lamp:2"))]
    blind += [(GASTON, Watched("other", LAMP)), (GASTON, Watched("", view=ELSEWHERE))]
    async with _looking(lit, *seeing, *blind) as told:
        await _say(lit, "power", 7)
        await eventually(lambda: [one.changes for one in told[:4]] == [1] * 4, within_s=10)
        await asyncio.sleep(SILENT_S)
        assert [one.changes for one in told] == [1] * len(seeing) + [0] * len(blind)


async def test_of_what_others_give_a_change_is_told_and_what_they_keep_is_not(lit: House) -> None:
    await _give(lit, ["power"])
    async with _looking(lit, (EDITH, Watched("", LAMP))) as (edith,):
        await _say(lit, "name", "Gare")
        await asyncio.sleep(SILENT_S)
        assert edith.changes == 0
        await _say(lit, "power", 6)
        await eventually(lambda: edith.changes == 1, within_s=10)


async def test_who_sees_a_pseudonym_is_not_told_which_entity_it_stands_for(lit: House) -> None:
    await _give(lit, ["power", "location"], **{"as": "pseudonyms"})
    async with _looking(lit, (EDITH, Watched("", LAMP)), (EDITH, Watched("", view=HERE))) as told:
        await _say(lit, "power", 6)
        await eventually(lambda: told[1].changes == 1, within_s=10)
        await asyncio.sleep(SILENT_S)
        assert told[0].changes == 0


async def _give(house: House, attributes: Sequence[str], **how: Json) -> None:
    policy = {"name": "lamps", "to": ["ecole"], "types": ["Lamp"], "attributes": attributes, **how}
    given = GivenDeclarations(
        source="lamps.yaml",
        declared=msgspec.convert({"policies": {"lamps": policy}}, ExchangeFile),
    )
    await house.platform.services.declarations.apply(GASTON, given)
    await house.platform.services.exchange.governance.rules.renew()


async def test_nobody_looking_means_that_nothing_is_read(lit: House) -> None:
    platform = lit.platform
    followed = Followed(platform.foundation.database, platform.watch)
    running = create_task(followed.run())
    with followed.following(("", LAMP)) as following:
        await asyncio.sleep(scaled(0.3))
        await _say(lit, "power", 8)
        changes, _ = await following.changes(10)
        assert [one.id for one in changes] == [LAMP]
    await eventually(lambda: followed.count == 0, within_s=1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_those_who_look_are_let_go_when_the_platform_stops(lit: House) -> None:
    platform = lit.platform
    followed = Followed(platform.foundation.database, platform.watch)
    live = LiveViews(platform.foundation.database, followed)
    running, told = create_task(live.run()), _Told()
    listening = create_task(told.listen(live, GASTON, Watched("", LAMP)))
    await told.is_there.wait()
    running.cancel()
    await asyncio.wait_for(listening, scaled(5))
    assert followed.count == 0

    # Its browser comes again while the platform still stops: it would hold its end up.
    assert not live.has_room(GASTON)
    await asyncio.wait_for(_Told().listen(live, GASTON, Watched("", LAMP)), scaled(5))


async def test_one_account_has_room_for_so_many_pages_and_no_more(lit: House) -> None:
    live, watched = lit.platform.services.live_views, (GASTON, Watched("", LAMP))
    async with _looking(lit, *[watched] * 12):
        assert not live.has_room(GASTON)
        assert live.has_room(EDITH)
    assert live.has_room(GASTON)


@pytest.mark.parametrize("page", [f"/exchange/entities/{LAMP}", "/exchange/map?at=0.2,48&z=14"])
async def test_the_stream_that_a_page_names_passes_the_consoles_server(
    lit: House, page: str
) -> None:
    client = await lit.signed_in("gaston")
    live = (await client.get(page)).text.partition('data-changes="')[2].partition('"')[0]
    socket = lit.platform.foundation.places.data / "live.sock"
    socket.parent.mkdir(parents=True, exist_ok=True)
    app: Any = lit.app
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with (
        answered_on(socket, app, 0o600),
        httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)),
            base_url=ORIGIN.replace("https", "http"),
            headers={"Cookie": cookie},
        ) as browser,
        browser.stream("GET", live.replace("&amp;", "&")) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream"), await answer.aread()
        assert answer.headers["x-accel-buffering"] == "no"
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await asyncio.sleep(scaled(0.3))
        await _say(lit, "power", 9)
        async with asyncio.timeout(scaled(10)):
            assert "event: changed" in [line async for line in _until_changed(lines)]


async def _until_changed(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line == "event: changed":
            return
