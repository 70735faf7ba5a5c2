"""The filler is killed at any moment: visitors are answered, and no purge is lost."""

import asyncio
import random

from tests.integration.delivery.page_store.conftest import ON_ONE_NGINX
from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import Seen, Visitor
from tests.support.waiting import eventually

pytestmark = ON_ONE_NGINX

SEED = 20261122
TARGETS = tuple(
    f"/{name}" for name in ("", "news", "news/1", "agenda", "agenda/2027", "search?q=a")
)
ROUNDS = 12
PURGES, READ = 100, 1000


async def test_without_the_filler_stored_pages_are_shown_and_others_come_from_the_origin(
    site: Site,
) -> None:
    site.origin.answering = lambda heard: page(f"{heard.method} {heard.target}")
    visitor = await site.visitor()
    await visitor.get("/stored")
    await site.stage.learn_header_sets()
    await site.stage.kill_filler()
    try:
        asked = len(site.origin.heard)
        stored, new, sent = (
            await visitor.get("/stored"),
            await visitor.get("/new", Accept_Language="oc"),
            await visitor.ask("POST", "/form", body=b"a=1"),
        )

        assert (stored.text, stored.note) == ("GET /stored", "beffroi; hit")
        assert (new.text, sent.text) == ("GET /new", "POST /form")
        assert [one.target for one in site.origin.heard[asked:]] == ["/new", "/form"]
        assert site.origin.asked("/new")[0].headers["x-forwarded-for"] == visitor.address
        assert site.origin.asked("/new")[0].headers["accept-language"] == "oc"
        assert (await site.purge("/stored")).status == 502
    finally:
        await site.stage.filler.start()

    assert (await visitor.get("/new")).note.endswith("stored")


async def test_after_a_kill_each_page_is_asked_for_before_it_is_shown(site: Site) -> None:
    visitor = await site.visitor()
    await visitor.get("/agenda")
    await site.stage.kill_filler()
    await site.stage.filler.start()
    site.origin.answering = lambda _: page("changed meanwhile")

    assert (await visitor.get("/agenda")).text == "changed meanwhile"


async def test_a_form_is_never_sent_twice_by_a_kill(site: Site) -> None:
    held = asyncio.Event()

    async def answer(heard: Heard) -> Told:
        if heard.method == "POST":
            await held.wait()
        return page("done")

    site.origin.answering = answer
    sending = asyncio.create_task((await site.visitor()).ask("POST", "/pay", body=b"euros=1"))
    await eventually(lambda: site.origin.asked("/pay"))
    reading = asyncio.create_task((await site.visitor()).get("/slow"))
    await eventually(lambda: site.origin.asked("/slow"))
    await site.stage.kill_filler()
    try:
        told, read = await sending, await reading
    finally:
        held.set()
        await site.stage.filler.start()

    assert told.status == 502
    assert len(site.origin.asked("/pay")) == 1
    assert (read.status, read.text) == (200, "done")


class Town:
    """A site whose content has a number that grows, and who reads and publishes it.

    Attributes:
        published: The number that each page tells.
        acknowledged: The least number that each page may tell: its purge was answered.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.chance = random.Random(SEED)  # noqa: S311 - a town holds no secret
        self.published = dict.fromkeys(TARGETS, 0)
        self.acknowledged = dict.fromkeys(TARGETS, 0)
        self.read = 0
        self.purged = 0
        self.failures: list[tuple[str, int, str]] = []
        site.origin.answering = self._answer

    async def _answer(self, heard: Heard) -> Told:
        text = f"{heard.target} {self.published[heard.target]}"
        await asyncio.sleep(self.chance.choice((0, 0, 0.002, 0.01, 0.03)))
        tag = heard.target.split("/")[1].partition("?")[0] or "home"
        return page(text, ("Cache-Groups", f'"{tag}", "all"'))

    async def visit(self, visitor: Visitor, leaving: asyncio.Event) -> None:
        while not leaving.is_set():
            target = self.chance.choice(TARGETS)
            least = self.acknowledged[target]
            seen = await visitor.get(target)
            self._judge(seen, target, least)

    def _judge(self, seen: Seen, target: str, least: int) -> None:
        self.read += 1
        if seen.status != 200:
            self.failures.append((target, seen.status, seen.note))
            return
        told, _, number = seen.text.rpartition(" ")
        if told != target or int(number) < least:
            self.failures.append((seen.text, least, seen.note))

    async def publish(self) -> None:
        """Change a page and have it purged in one of four ways."""
        target = self.chance.choice(TARGETS)
        self.published[target] += 1
        number = self.published[target]
        tag = target.split("/")[1].partition("?")[0] or "home"
        headers = self.chance.choice(
            ({}, {}, {"Beffroi_Purge": "prefix"}, {"Beffroi_Purge": "site"}, {"xkey": tag})
        )
        answer = await self.site.purge(target, **headers)
        if answer.status == 200:
            self.acknowledged[target] = max(self.acknowledged[target], number)
            self.purged += 1

    async def keep_publishing(self, leaving: asyncio.Event) -> None:
        while not leaving.is_set():
            await self.publish()
            await asyncio.sleep(self.chance.random() * 0.02)


async def test_no_visitor_reads_what_is_older_than_an_answered_purge(site: Site) -> None:
    town, leaving = Town(site), asyncio.Event()
    async with asyncio.TaskGroup() as people:
        for one in await site.visitors(12):
            people.create_task(town.visit(one, leaving))
        people.create_task(town.keep_publishing(leaving))
        await eventually(lambda: town.purged > PURGES and town.read > READ, within_s=40)
        leaving.set()

    assert town.failures == []


async def test_no_purge_is_lost_when_the_filler_is_killed_at_any_moment(site: Site) -> None:
    town, leaving = Town(site), asyncio.Event()
    async with asyncio.TaskGroup() as people:
        for one in await site.visitors(6):
            people.create_task(town.visit(one, leaving))
        people.create_task(town.keep_publishing(leaving))
        for _ in range(ROUNDS):
            await asyncio.sleep(town.chance.random() * 0.6)
            await site.stage.kill_filler()
            await site.stage.filler.start()
        leaving.set()

    assert town.failures == []
    assert town.purged > ROUNDS
    assert site.shown() <= {f"{one.partition('?')[0]}@{one.partition('?')[2]}" for one in TARGETS}
    assert not list((site.stage.places.store / "work").iterdir())
