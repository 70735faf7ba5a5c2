"""@contexts elsewhere are fetched once, in time, and from public addresses alone."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from beffroi.exchange.contexts.model import ContextKind
from beffroi.exchange.contexts.resolving import CORE, CORE_URLS
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.errors import BadRequestDataError, LdContextNotAvailableError
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import PLATFORM
from tests.integration.exchange.contexts.conftest import PUBLIC_URL, MakeContexts
from tests.support.clocks import ManualClock
from tests.support.context_server import ContextServer, context_server
from tests.support.outside import OutsideAndInside
from tests.support.waiting import eventually, scaled

_TERMS = {"flow": "https://data.nimes.fr/terms#flow"}
_FLOW = "https://data.nimes.fr/terms#flow"


async def test_a_context_elsewhere_is_fetched_once_and_its_copy_outlives_its_server(
    web: ContextServer, make_contexts: MakeContexts
) -> None:
    url = web.put("/town", _TERMS)
    assert (await make_contexts().resolved("", url)).expand("flow") == _FLOW
    await web.stop()
    context = await make_contexts().resolved("another", [url])
    assert context.expand("flow") == _FLOW
    assert context.link == url
    assert web.asked["/town"] == 1


async def test_many_who_ask_for_one_address_at_once_have_it_fetched_once(
    web: ContextServer, contexts: Contexts
) -> None:
    url = web.put("/town", _TERMS)
    released = web.hang("/town")
    asking = [
        asyncio.create_task(contexts.resolved(f"tenant{number % 3}", [url, {"n": f"urn:{number}"}]))
        for number in range(40)
    ]
    await eventually(lambda: web.asked["/town"])
    released.set()
    made = await asyncio.gather(*asking)
    assert {one.expand("flow") for one in made} == {_FLOW}
    assert [one.expand("n") for one in made] == [f"urn:{number}" for number in range(40)]
    assert web.asked["/town"] == 1


async def test_an_address_that_hangs_is_given_up_within_two_seconds_and_had_later(
    web: ContextServer, contexts: Contexts
) -> None:
    url = web.put("/slow", _TERMS)
    released = web.hang("/slow")
    began = time.monotonic()
    with pytest.raises(LdContextNotAvailableError) as late:
        await contexts.resolved("", url)
    assert time.monotonic() - began < scaled(2.0)
    assert late.value.code == "exchange.context_late"
    released.set()
    assert (await contexts.resolved("", url)).expand("flow") == _FLOW
    assert web.asked["/slow"] == 1


async def test_a_dead_address_is_asked_again_only_after_ten_seconds(
    web: ContextServer, contexts: Contexts, clock: ManualClock
) -> None:
    url = web.url("/absent")
    for _ in range(3):
        with pytest.raises(LdContextNotAvailableError) as refused:
            await contexts.resolved("", url)
        assert refused.value.code == "exchange.context_refused"
    assert web.asked["/absent"] == 1
    web.put("/absent", _TERMS)
    clock.move(10.1)
    assert (await contexts.resolved("", url)).expand("flow") == _FLOW


async def test_a_dead_address_that_somebody_deletes_is_asked_again_at_once(
    web: ContextServer, contexts: Contexts
) -> None:
    url = web.put("/town", _TERMS)
    await contexts.resolved("", url)
    web.put_bytes("/town", b"", 503)
    with pytest.raises(LdContextNotAvailableError):
        await contexts.reload(PLATFORM, "", url)
    await contexts.delete(PLATFORM, "", url)
    web.put("/town", _TERMS)
    assert (await contexts.resolved("", url)).expand("flow") == _FLOW


async def test_a_port_where_nobody_listens_is_told_at_once(contexts: Contexts) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/context"
        with pytest.raises(LdContextNotAvailableError) as refused:
            await contexts.resolved("", url)
    assert refused.value.code == "exchange.no_answer"
    assert refused.value.status == 504


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]
)
async def test_addresses_of_the_own_network_are_not_asked(
    web: ContextServer, make_contexts: MakeContexts, host: str
) -> None:
    web.put("/town", _TERMS)
    port = web.origin.rpartition(":")[2]
    with pytest.raises(LdContextNotAvailableError) as refused:
        await make_contexts(allow_internal=False).resolved("", f"http://{host}:{port}/town")
    assert refused.value.code == "exchange.address_internal"
    assert not web.asked


@pytest.mark.parametrize(
    "url",
    [
        "/ngsi-ld/v1/jsonldContexts/0",
        "town",
        "ftp://nimes.fr/t",
        "http://",
        "http://a b",
        "",
        "a:b",
    ],
)
async def test_what_is_no_web_address_is_refused_as_data(contexts: Contexts, url: str) -> None:
    with pytest.raises(BadRequestDataError) as refused:
        await contexts.resolved("", [url])
    assert refused.value.code == "exchange.no_url"


async def test_the_longest_addresses_can_be_kept_and_longer_ones_are_refused(
    web: ContextServer, contexts: Contexts
) -> None:
    path = "/" + "x" * (2_000 - len(web.url("/")))
    assert (await contexts.resolved("", web.put(path, _TERMS))).expand("flow") == _FLOW
    for longer in (path + "x", path[:-1] + "é"):
        with pytest.raises(BadRequestDataError):
            await contexts.resolved("", web.url(longer))


async def test_redirects_are_followed_some_times_and_not_for_ever(
    web: ContextServer, contexts: Contexts
) -> None:
    web.put("/there", _TERMS)
    moved = web.put_bytes("/moved", b"", 302, "Location: /there")
    assert (await contexts.resolved("", moved)).expand("flow") == _FLOW
    round_about = web.put_bytes("/round", b"", 301, "Location: /round")
    with pytest.raises(LdContextNotAvailableError) as refused:
        await contexts.resolved("", round_about)
    assert refused.value.code == "exchange.context_redirected"
    assert web.asked["/round"] == 6


async def test_a_redirect_into_the_platforms_network_is_refused(
    web: ContextServer, database: Database, clock: ManualClock
) -> None:
    async with (
        context_server() as inside,
        Outgoing(allow_internal=True) as asker,
        OutsideAndInside(web.url(""), asker) as outgoing,
    ):
        target = inside.put("/metadata", _TERMS)
        moved = web.put_bytes("/moved", b"", 302, f"Location: {target}")
        contexts = Contexts(database, outgoing, clock, public_url=PUBLIC_URL, known={})
        with pytest.raises(LdContextNotAvailableError) as refused:
            await contexts.resolved("", moved)
    assert refused.value.code == "exchange.address_internal"
    assert (web.asked["/moved"], inside.asked["/metadata"]) == (1, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>Welcome</html>", "exchange.context_no_json"),
        (b"\xff\xfe{", "exchange.context_no_json"),
        (b"[" * 100_000, "exchange.context_no_json"),
        (b'{"note": "no context here"}', "exchange.context_absent"),
        (b'["https://example.org"]', "exchange.context_absent"),
        (b'{"@context": 42}', "exchange.context_unreadable"),
        (b'{"@context": [["https://example.org"]]}', "exchange.context_unreadable"),
        (b'{"@context": {"flow": 1}}', "exchange.term_unreadable"),
        (b'{"@context": {"a": "b", "b": "a"}}', "exchange.term_circular"),
        (rb'{"@context": {"flow": "urn:\u0000"}}', "exchange.term_unreadable"),
    ],
)
async def test_a_document_that_is_no_context_is_refused_as_data_and_not_kept(
    web: ContextServer, contexts: Contexts, body: bytes, code: str
) -> None:
    url = web.put_bytes("/lie", body)
    with pytest.raises(BadRequestDataError) as refused:
        await contexts.resolved("", url)
    assert refused.value.code == code
    assert len(await contexts.listed("", [ContextKind.CACHED])) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b" " * 1_500_000, "too_large"),
        (b"hail\r\n\r\n", "no_answer"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "context_refused"),
    ],
)
async def test_an_answer_that_is_none_says_why(
    web: ContextServer, contexts: Contexts, answer: bytes, code: str
) -> None:
    url = web.put_raw("/lie", answer)
    with pytest.raises(LdContextNotAvailableError) as refused:
        await contexts.resolved("", url)
    assert refused.value.code.endswith(code)


async def test_contexts_that_lead_in_a_circle_or_too_far_are_refused(
    web: ContextServer, contexts: Contexts
) -> None:
    first = web.put("/first", ["second"])
    web.put("/second", [web.url("/first"), _TERMS])
    with pytest.raises(BadRequestDataError) as circular:
        await contexts.resolved("", first)
    assert circular.value.code == "exchange.context_circular"
    for number in range(20):
        web.put(f"/deep{number}", web.url(f"/deep{number + 1}"))
    with pytest.raises(BadRequestDataError) as deep:
        await contexts.resolved("", web.url("/deep0"))
    assert deep.value.code == "exchange.context_circular"


async def test_a_document_leads_to_others_beside_it_and_the_core_prevails(
    web: ContextServer, contexts: Contexts
) -> None:
    web.put("/models/terms", {**_TERMS, "location": "https://data.nimes.fr/terms#location"})
    url = web.put("/models/all", ["terms", *sorted(CORE_URLS)])
    context = await contexts.resolved("", url)
    assert context.expand("flow") == _FLOW
    assert context.expand("location") == CORE.expand("location")


async def test_a_context_without_end_is_refused(web: ContextServer, contexts: Contexts) -> None:
    for part in ("/a", "/b"):
        web.put(part, {f"{part[1]}{number}": "urn:flow" for number in range(30_000)})
    with pytest.raises(BadRequestDataError) as refused:
        await contexts.resolved("", [web.url("/a"), web.url("/b")])
    assert refused.value.code == "exchange.context_too_large"
    assert (await contexts.resolved("", web.url("/a"))).expand("a7") == "urn:flow"


async def test_null_takes_back_what_was_said_before_it(contexts: Contexts) -> None:
    context = await contexts.resolved("", [_TERMS, None, {"level": "urn:level"}])
    assert context.compact(_FLOW) == _FLOW
    assert context.expand("level") == "urn:level"


async def test_every_core_context_is_the_core_without_a_network(contexts: Contexts) -> None:
    for url in CORE_URLS:
        assert await contexts.resolved("", url) is CORE
        assert await contexts.resolved("", [url]) is CORE


async def test_a_known_document_is_read_from_its_file_and_kept_as_a_copy(
    tmp_path: Path, make_contexts: MakeContexts
) -> None:
    url = "https://smart-data-models.example/context.jsonld"
    file = tmp_path / "models.jsonld"
    file.write_text('{"@context": {"flow": "urn:first"}}')
    first = make_contexts({url: file})
    assert (await first.resolved("", url)).expand("flow") == "urn:first"
    assert (await first.served("", url)).kept.kind is ContextKind.CACHED
    file.write_text('{"@context": {"flow": "urn:second"}}')
    assert (await make_contexts({url: file}).resolved("", url)).expand("flow") == "urn:second"


async def test_the_copies_least_used_make_room(
    web: ContextServer, contexts: Contexts, database: Database
) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await connection.execute(
            "insert into exchange.context (id, tenant, kind, name, organisation, document, "
            "created_at) select 'old' || n, '', 'Cached', 'http://old/' || n, '', "
            """'{"@context": {}}', '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 s' """
            "from generate_series(1, 1000) n"
        )
    await contexts.resolved("", web.put("/town", _TERMS))
    async with database.transaction(EVERYTHING) as connection:
        kept = await fetch_value(connection, "select count(*) from exchange.context")
        oldest = await fetch_value(
            connection, "select name from exchange.context order by created_at limit 1"
        )
    assert (kept, oldest) == (1000, "http://old/2")
