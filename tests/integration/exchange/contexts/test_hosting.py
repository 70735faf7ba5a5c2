"""@contexts are hosted for their tenant, listed, served, deleted, loaded again, counted."""

import asyncio

import pytest

from beffroi.exchange.contexts.model import ContextKind
from beffroi.exchange.contexts.resolving import CORE_URL, CORE_URLS
from beffroi.exchange.contexts.service import CONTEXT_CHANGED, Contexts
from beffroi.exchange.errors import (
    BadRequestDataError,
    InvalidRequestError,
    LdContextNotAvailableError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Json
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING, Scope
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.log import read_after
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.integration.exchange.contexts.conftest import PUBLIC_URL, MakeContexts
from tests.support.clocks import ManualClock
from tests.support.context_server import ContextServer
from tests.support.waiting import eventually

_TERMS = {"flow": "https://data.nimes.fr/terms#flow"}
_FLOW = "https://data.nimes.fr/terms#flow"
_PARTNER = Actor("sensors", Role.PARTNER, "nimes")
_OTHER = Actor("meters", Role.PARTNER, "bouillargues")
_READER = Actor("clerk", Role.MEMBER, "nimes")


async def test_a_hosted_context_is_named_by_its_address_whatever_the_host(
    contexts: Contexts,
) -> None:
    kept = await contexts.add(_PARTNER, "traffic", {"@context": _TERMS, "note": "dropped"})
    url = contexts.url(kept)
    assert url == f"{PUBLIC_URL}/ngsi-ld/v1/jsonldContexts/{kept.id}"
    for one in (url, url.replace(PUBLIC_URL, "http://localhost:9090")):
        assert (await contexts.resolved("traffic", one)).expand("flow") == _FLOW
    served = await contexts.served("traffic", kept.id)
    assert served.content == {"@context": _TERMS}
    assert served.kept.kind is ContextKind.HOSTED


async def test_a_hosted_context_is_unknown_to_another_tenant(contexts: Contexts) -> None:
    kept = await contexts.add(_PARTNER, "traffic", {"@context": _TERMS})
    assert kept.id not in {one.id for one in await contexts.listed("floods")}
    with pytest.raises(ResourceNotFoundError):
        await contexts.served("floods", kept.id)
    with pytest.raises(ResourceNotFoundError):
        await contexts.delete(_PARTNER, "floods", kept.id)
    assert [one.id for one in await contexts.listed("traffic", [ContextKind.HOSTED])] == [kept.id]


async def test_no_transaction_of_an_asker_sees_the_table(
    contexts: Contexts, database: Database
) -> None:
    await contexts.add(_PARTNER, "traffic", {"@context": _TERMS})
    counted = []
    for scope in (Scope("nimes"), EVERYTHING):
        async with database.transaction(scope) as connection:
            counted.append(await fetch_value(connection, "select count(*) from exchange.context"))
    assert counted == [0, 1]


async def test_what_is_no_context_is_not_hosted(contexts: Contexts) -> None:
    documents: list[Json] = [{"flow": _FLOW}, [], "text"]
    for document in documents:
        with pytest.raises(InvalidRequestError):
            await contexts.add(_PARTNER, "", document)
    given: list[Json] = [42, True, ["https://example.org/c", 7], [[]], {"flow": 1}]
    for context in given:
        with pytest.raises(BadRequestDataError):
            await contexts.add(_PARTNER, "", {"@context": context})
    assert await contexts.listed("", [ContextKind.HOSTED]) == []


async def test_writers_alone_add_and_owners_alone_delete(contexts: Contexts) -> None:
    kept = await contexts.add(_PARTNER, "", {"@context": _TERMS})
    with pytest.raises(ForbiddenError):
        await contexts.add(_READER, "", {"@context": _TERMS})
    for actor in (_READER, _OTHER):
        with pytest.raises(ForbiddenError):
            await contexts.delete(actor, "", kept.id)
    await contexts.delete(PLATFORM, "", kept.id)
    with pytest.raises(ResourceNotFoundError):
        await contexts.delete(PLATFORM, "", kept.id)


async def test_a_deleted_context_is_forgotten_here_and_by_those_who_follow_the_log(
    contexts: Contexts, make_contexts: MakeContexts, database: Database
) -> None:
    elsewhere = make_contexts()
    url = contexts.url(await contexts.add(_PARTNER, "", {"@context": _TERMS}))
    kept_url = contexts.url(await contexts.add(_PARTNER, "", {"@context": {"level": "urn:l"}}))
    for process in (contexts, elsewhere):
        await process.resolved("", [url, {}])
    untouched = await elsewhere.resolved("", kept_url)
    await contexts.delete(_PARTNER, "", url)
    with pytest.raises(LdContextNotAvailableError):
        await contexts.resolved("", [url, {}])
    async with database.transaction(EVERYTHING) as connection:
        (event,) = await read_after(connection, 0, 10)
    assert (event.kind, event.organisation) == (CONTEXT_CHANGED, "nimes")
    assert (await elsewhere.resolved("", [url, {}])).expand("flow") == _FLOW
    elsewhere.forget(event.subject)
    with pytest.raises(LdContextNotAvailableError):
        await elsewhere.resolved("", [url, {}])
    assert await elsewhere.resolved("", kept_url) is untouched


async def test_a_context_that_is_deleted_while_names_are_made_of_it_does_not_come_back(
    contexts: Contexts, web: ContextServer
) -> None:
    own = contexts.url(await contexts.add(_PARTNER, "", {"@context": _TERMS}))
    slow = web.put("/slow", {"level": "urn:level"})
    released = web.hang("/slow")
    asking = asyncio.create_task(contexts.resolved("", [own, slow]))
    await eventually(lambda: web.asked["/slow"])
    await contexts.delete(_PARTNER, "", own)
    released.set()
    assert (await asking).expand("flow") == _FLOW
    with pytest.raises(LdContextNotAvailableError):
        await contexts.resolved("", [own, slow])


async def test_a_copy_is_loaded_again_and_requests_then_mean_what_it_says_now(
    contexts: Contexts, web: ContextServer, clock: ManualClock, database: Database
) -> None:
    url = web.put("/town", _TERMS)
    await contexts.resolved("", url)
    await contexts.reload(_PARTNER, "", url)
    fetched_at = (await contexts.served("", url)).kept.created_at
    clock.move(60)
    web.put("/town", {"flow": "urn:flow"})
    assert (await contexts.resolved("", url)).expand("flow") == _FLOW
    await contexts.reload(_PARTNER, "any", url)
    assert (await contexts.resolved("", url)).expand("flow") == "urn:flow"
    kept = (await contexts.served("", url)).kept
    assert kept.created_at > fetched_at
    async with database.transaction(EVERYTHING) as connection:
        events = await read_after(connection, 0, 10)
    assert [(one.kind, one.subject) for one in events] == [(CONTEXT_CHANGED, kept.id)]


async def test_a_copy_that_cannot_be_loaded_again_stays_and_can_be_deleted(
    contexts: Contexts, web: ContextServer
) -> None:
    url = web.put("/town", _TERMS)
    await contexts.resolved("", url)
    web.put_bytes("/town", b"<html>")
    with pytest.raises(LdContextNotAvailableError):
        await contexts.reload(_PARTNER, "", url)
    await web.stop()
    with pytest.raises(LdContextNotAvailableError):
        await contexts.reload(_PARTNER, "", url)
    assert (await contexts.served("", url)).content == {"@context": _TERMS}
    assert (await contexts.resolved("", url)).expand("flow") == _FLOW
    await contexts.delete(_PARTNER, "any", url)
    with pytest.raises(ResourceNotFoundError):
        await contexts.served("", url)


async def test_only_copies_are_loaded_again_and_the_core_stays(contexts: Contexts) -> None:
    kept = await contexts.add(_PARTNER, "", {"@context": _TERMS})
    for name in (kept.id, "unknown", "odd\0name"):
        with pytest.raises(BadRequestDataError):
            await contexts.reload(_PARTNER, "", name)
    for url in CORE_URLS:
        await contexts.reload(_PARTNER, "", url)
        with pytest.raises(BadRequestDataError):
            await contexts.delete(PLATFORM, "", url)
        assert (await contexts.served("", url)).kept.name == CORE_URL


async def test_several_contexts_get_one_address_that_means_the_same(
    contexts: Contexts, web: ContextServer
) -> None:
    given = [web.put("/town", _TERMS), {"level": "urn:level"}]
    url = await contexts.implicit("traffic", given)
    assert await contexts.implicit("traffic", [*given, CORE_URL]) == url
    assert await contexts.implicit("floods", given) != url
    context = await contexts.resolved("traffic", url)
    assert (context.expand("flow"), context.expand("level")) == (_FLOW, "urn:level")
    (kept,) = await contexts.listed("traffic", [ContextKind.IMPLICITLY_CREATED])
    assert contexts.url(kept) == url
    await contexts.delete(_PARTNER, "traffic", kept.id)
    assert await contexts.listed("traffic", [ContextKind.IMPLICITLY_CREATED]) == []


async def test_a_context_that_has_an_address_needs_no_other(contexts: Contexts) -> None:
    url = "https://example.org/context.jsonld"
    for given in (url, [url], [url, CORE_URL], ["https://example.org/other", None, url]):
        assert await contexts.implicit("", given) == url
    for core in (None, [], CORE_URL, [CORE_URL], [url, None]):
        assert await contexts.implicit("", core) == CORE_URL
    assert await contexts.listed("", [ContextKind.IMPLICITLY_CREATED]) == []


async def test_uses_are_counted_at_once_and_written_once_a_second(
    contexts: Contexts, make_contexts: MakeContexts, clock: ManualClock
) -> None:
    kept = await contexts.add(_PARTNER, "", {"@context": _TERMS})
    url = contexts.url(kept)
    for _ in range(500):
        await contexts.resolved("", url)
    clock.move(1)
    shown = (await contexts.served("", kept.id)).kept
    assert (shown.hits, shown.last_used_at) == (500, kept.created_at)
    elsewhere = make_contexts()

    async def is_written(hits: int) -> bool:
        (found,) = await elsewhere.listed("", [ContextKind.HOSTED])
        return found.hits == hits

    assert await is_written(0)
    await clock.advance(1)
    await eventually(lambda: is_written(501))
    assert (await contexts.served("", kept.id)).kept.hits == 501
