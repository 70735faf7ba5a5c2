"""What passes through the filler without being kept: uploads, downloads, streams."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import read_head, read_pieces
from tests.support.waiting import scaled

MIB = 1024 * 1024
UPLOAD_MIB = 60
DOWNLOAD_MIB = 200
# Below each of the two: what is under way in buffers and threads varies.
MOST_MIB = 50


def memory_bytes(pid: int) -> int:
    """Return the most memory that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(one.split()[1]) * 1024 for one in lines if one.startswith("VmHWM"))


async def downloaded(_: Heard) -> Told:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(DOWNLOAD_MIB):
            yield bytes([number % 256]) * MIB

    return Told(headers=(("Content-Type", "application/zip"),), pieces=pieces())


async def test_what_is_sent_and_what_is_fetched_takes_no_room_in_the_filler(site: Site) -> None:
    pid = await site.stage.filler_pid()
    visitor = await site.visitor()
    await visitor.get("/")
    before = memory_bytes(pid)
    site.origin.answering = lambda heard: page(f"{heard.body_bytes} bytes")

    sent = await visitor.ask("POST", "/upload", body=bytes(UPLOAD_MIB * MIB))
    site.origin.answering = downloaded
    reader = await visitor.begin(
        f"POST /export HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    status, headers = await read_head(reader)
    size = 0
    async with asyncio.timeout(scaled(40)):
        async for piece in read_pieces(reader):
            size += len(piece)

    assert sent.text == f"{UPLOAD_MIB * MIB} bytes"
    assert (status, headers["cache-status"]) == (200, "beffroi; fwd=method")
    assert size == DOWNLOAD_MIB * MIB
    assert memory_bytes(pid) - before < MOST_MIB * MIB


async def ticks(_: Heard) -> Told:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(6):
            yield f"data: {number}\n\n".encode()
            await asyncio.sleep(0.3)

    return Told(
        headers=(
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-cache"),
            ("X-Accel-Buffering", "no"),
        ),
        pieces=pieces(),
    )


async def test_events_reach_their_reader_as_they_happen(site: Site) -> None:
    site.origin.answering = ticks
    for method in ("GET", "POST"):
        visitor = await site.visitor()
        began = time.monotonic()
        reader = await visitor.begin(
            f"{method} /events HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: 0\r\n"
            f"User-Agent: Mozilla/5.0\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        status, headers = await read_head(reader)
        came = [(piece, time.monotonic() - began) async for piece in read_pieces(reader)]

        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert b"".join(piece for piece, _ in came) == b"".join(
            f"data: {number}\n\n".encode() for number in range(6)
        )
        assert came[0][1] < scaled(1), method
        assert len(came) >= 4, method


async def test_an_endless_stream_is_its_readers_alone(site: Site) -> None:
    async def endless(_: Heard) -> Told:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"tick"
                await asyncio.sleep(0.05)

        unbuffered = ("X-Accel-Buffering", "no")
        return Told(headers=(("Content-Type", "text/plain"), unbuffered), pieces=pieces())

    site.origin.answering = endless
    one, other = await site.visitors(2)
    for visitor in (one, other):
        reader = await visitor.begin(
            f"GET /log HTTP/1.1\r\nHost: {site.host}\r\nUser-Agent: Mozilla/5.0\r\n\r\n".encode()
        )
        async with asyncio.timeout(scaled(3)):
            status, headers = await read_head(reader)
            assert await anext(read_pieces(reader)) == b"tick"

        assert (status, headers["cache-status"][-15:]) == (200, "detail=streamed")


async def test_a_stream_without_a_length_is_passed_on_to_who_asked(site: Site) -> None:
    async def long(_: Heard) -> Told:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"line\n" * 1000
                await asyncio.sleep(0.1)

        return Told(headers=(("Content-Type", "text/csv"),), pieces=pieces())

    site.origin.answering = long
    seen = await (await site.visitor()).get("/export.csv")

    assert (seen.status, len(seen.body)) == (200, 100_000)
    assert [one.is_of_the_filler for one in site.origin.heard] == [True, False]


async def test_a_change_takes_what_it_made_stale_away_before_its_answer_leaves(
    site: Site,
) -> None:
    text = {"/news": "old", "/": "old", "/tagged": "old"}
    site.origin.answering = lambda heard: page(
        text[heard.target], *((("Cache-Groups", '"news"'),) if heard.target == "/tagged" else ())
    )
    reader, editor = await site.visitors(2)
    for target in text:
        await reader.get(target)
        assert (await reader.get(target)).note.startswith("beffroi; hit")

    def changed(heard: Heard) -> Told:
        if heard.method == "POST":
            for target in text:
                text[target] = "new"
            moved = (("Location", "/"), ("Cache-Group-Invalidation", '"news"'))
            return page("", *moved, ("Cache-Control", "no-store"), status=303)
        return page(text[heard.target])

    site.origin.answering = changed
    answer = await editor.ask("POST", "/news", body=b"title=new")

    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "cache-group-invalidation" not in answer.headers
    assert {(await reader.get(target)).text for target in text} == {"new"}


async def test_a_change_that_failed_takes_nothing_away(site: Site) -> None:
    visitor = await site.visitor()
    await visitor.get("/news")
    site.origin.answering = lambda _: page("refused", status=422)

    assert (await visitor.ask("POST", "/news", body=b"a")).status == 422
    assert (await visitor.get("/news")).note.startswith("beffroi; hit")


async def test_a_form_is_handed_on_with_the_headers_of_its_sender(site: Site) -> None:
    site.origin.answering = lambda heard: page(heard.body.decode(), ("Set-Cookie", "a=1"))
    visitor = await site.visitor()

    answer = await visitor.ask(
        "POST",
        "/form?x=%20&x=2",
        {"Cookie": "session=me", "Accept-Language": "oc"},
        b"nom=Zo%C3%A9",
    )

    heard = site.origin.heard[-1]
    assert (answer.text, answer.headers["set-cookie"]) == ("nom=Zo%C3%A9", "a=1")
    assert (heard.method, heard.target) == ("POST", "/form?x=%20&x=2")
    assert (heard.cookie, heard.headers["accept-language"]) == ("session=me", "oc")
    assert heard.headers["x-forwarded-for"] == visitor.address
    assert not [name for name in heard.headers if name.startswith("x-beffroi")]
