"""Addresses that feeds ask: only for news, page by page, never where they may not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.feeds.declared import DeclaredPoll, Feed, FeedFormat
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.polling import Poll, PollFailedError, Validators
from beffroi.exchange.feeds.schedules import is_schedule, next_time
from beffroi.exchange.feeds.sources import AskedSources
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.feeds.trying import gather_all
from beffroi.exchange.loading import load_declarations
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.kernel.secrets import Secret
from beffroi.territory.errors import TerritoryInvalidError
from tests.support.feed_documents import hubeau_page, observation
from tests.support.feed_server import FeedServer, feed_server
from tests.support.outside import OutsideAndInside

NOTHING_SEEN = Validators()
AT = "2026-03-02T06:00:00Z"
PAGE = "/api/v2/hydrometrie/observations_tr?code_entite=Y34&size=2"


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with feed_server() as made:
        yield made


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    async with Outgoing(allow_internal=True) as made:
        yield made


class Vault:
    async def secret(self, organisation: str, name: str) -> Secret:
        return Secret(f"{name} of {organisation}")


async def polled(
    outgoing: Outgoing, url: str, seen: Validators = NOTHING_SEEN, **declared: Any
) -> tuple[list[Any], Validators]:
    feed = Feed(
        name="rivers",
        poll=DeclaredPoll(url=url, **declared),
        format=FeedFormat.HUBEAU_OBSERVATIONS,
    )
    with Spool() as spool:
        gathered = Gathered(feed, spool)
        validators = await AskedSources(outgoing, Vault()).poll("nimes", gathered, seen)
        assert gathered.mistakes == []
        rows = [one.document["id"][-2:] for batch in spool.batches(10) for one in batch]
        return sorted(rows), validators


def page(*stations: str, following: str | None = None) -> bytes:
    rows = [observation(f"Y3405020{one}", AT, 1250) for one in stations]
    return hubeau_page(rows, following)


async def test_pages_are_followed_to_the_last(server: FeedServer, outgoing: Outgoing) -> None:
    second = server.put(f"{PAGE}&cursor=2", page("03"))
    url = server.put(PAGE, page("01", "02", following=second))
    rows, _ = await polled(outgoing, url)
    assert rows == ["01", "02", "03"]


async def test_pages_named_by_a_header_are_followed_too(
    server: FeedServer, outgoing: Outgoing
) -> None:
    server.put("/b", page("02"))
    url = server.put("/a", page("01"), Link='</z>; rel="prev", </b>; rel="next"')
    assert (await polled(outgoing, url))[0] == ["01", "02"]


async def test_what_has_not_changed_is_not_sent_again(
    server: FeedServer, outgoing: Outgoing
) -> None:
    url = server.put(PAGE, page("01"), ETag='"v1"', Last_Modified="Mon, 02 Mar 2026 06:00:00 GMT")
    _, seen = await polled(outgoing, url)
    nothing, again = await polled(outgoing, url, seen)
    assert (nothing, again) == ([], seen)
    assert server.unchanged[PAGE] == 1
    server.put(PAGE, page("02"), ETag='"v2"')
    assert (await polled(outgoing, url, seen))[0] == ["02"]


async def test_a_first_page_that_stays_hides_no_other(
    server: FeedServer, outgoing: Outgoing
) -> None:
    second = server.put("/second", page("02"))
    url = server.put(PAGE, page("01", following=second), ETag='"v1"')
    _, seen = await polled(outgoing, url)
    server.put("/second", page("02", "03"))
    assert (await polled(outgoing, url, seen))[0] == ["01", "02", "03"]


async def test_another_port_of_the_host_gets_no_secret(
    server: FeedServer, outgoing: Outgoing
) -> None:
    async with feed_server() as other:
        elsewhere = other.put("/a", page("01"))
        url = server.put("/moved", b"", Location=elsewhere)
        server.statuses["/moved"] = 302
        rows, _ = await polled(outgoing, url, headers={"X-Api-Key": "{secret:key}"})
    assert rows == ["01"]
    assert server.seen["X-Api-Key"] == "key of nimes"
    assert "X-Api-Key" not in other.seen


async def test_a_page_that_leads_to_itself_is_the_last_one(
    server: FeedServer, outgoing: Outgoing
) -> None:
    url = server.put(PAGE, page("01", following=f"{server.origin}{PAGE}"))
    assert (await polled(outgoing, url))[0] == ["01"]
    assert server.asked[PAGE] == 1


async def test_pages_without_end_are_left_at_a_bound(
    server: FeedServer, outgoing: Outgoing
) -> None:
    for number in range(6):
        server.put(f"/{number}", page(f"0{number}", following=f"/{number + 1}"))
    with pytest.raises(PollFailedError) as raised:
        await polled(outgoing, f"{server.origin}/0", pages_most=4)
    assert raised.value.code == "exchange.feed_pages_most"
    assert server.asked.total() == 4


async def test_a_next_page_of_another_host_is_not_asked(
    server: FeedServer, outgoing: Outgoing
) -> None:
    elsewhere = server.origin.replace("127.0.0.1", "localhost") + "/stolen"
    url = server.put(PAGE, page("01", following=elsewhere))
    with pytest.raises(PollFailedError) as raised:
        await polled(outgoing, url)
    assert raised.value.code == "exchange.feed_page_elsewhere"
    assert server.asked["/stolen"] == 0


async def test_secrets_of_headers_go_to_their_host_and_not_where_it_redirects(
    server: FeedServer, outgoing: Outgoing
) -> None:
    server.put("/moved", page("01"))
    url = server.put("/old", b"", Location="/moved")
    headers = {"X-Api-Key": "Key {secret:hubeau}"}
    server.statuses["/old"] = 307
    await polled(outgoing, url, headers=headers)
    assert server.seen["X-Api-Key"] == "Key hubeau of nimes"

    server.put("/old", b"", Location=server.origin.replace("127.0.0.1", "localhost") + "/moved")
    await polled(outgoing, url, headers=headers)
    assert server.asked["/moved"] == 2
    assert "X-Api-Key" not in server.seen


async def test_the_platforms_own_network_is_not_asked(server: FeedServer) -> None:
    url = server.put(PAGE, page("01"))
    async with Outgoing(allow_internal=False) as guarded:
        with pytest.raises(UnreachableError) as raised:
            await polled(guarded, url)
    assert raised.value.code == "exchange.address_internal"
    assert server.asked.total() == 0


async def test_a_redirect_into_the_platforms_network_is_refused(
    server: FeedServer, outgoing: Outgoing
) -> None:
    async with feed_server() as inside, OutsideAndInside(server.origin, outgoing) as asker:
        target = inside.put("/metadata", page("01"))
        url = server.put(PAGE, b"", Location=target)
        server.statuses[PAGE] = 302
        with pytest.raises(UnreachableError) as raised:
            await polled(asker, url)
        assert raised.value.code == "exchange.address_internal"
        assert (server.asked.total(), inside.asked.total()) == (1, 0)


async def test_redirects_in_a_circle_end(server: FeedServer, outgoing: Outgoing) -> None:
    url = server.put("/round", b"", Location="/round")
    server.statuses["/round"] = 301
    with pytest.raises(PollFailedError) as raised:
        await polled(outgoing, url)
    assert raised.value.code == "exchange.feed_redirects_most"


async def test_an_answer_beyond_the_size_is_cut_off(server: FeedServer, outgoing: Outgoing) -> None:
    url = server.put(PAGE, b" " * (2 * 1024 * 1024))
    with pytest.raises(UnreachableError) as raised:
        await polled(outgoing, url, size_most_mib=1)
    assert raised.value.code == "exchange.answer_too_large"


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_error_is_told_with_its_status(
    server: FeedServer, outgoing: Outgoing, status: int
) -> None:
    url = server.put(PAGE, page("01"))
    server.statuses[PAGE] = status
    with pytest.raises(PollFailedError) as raised:
        await polled(outgoing, url)
    assert raised.value.values["code"] == status


async def test_a_source_that_hangs_is_left(server: FeedServer, outgoing: Outgoing) -> None:
    url = server.put(PAGE, page("01"))
    server.hanging.add(PAGE)
    poll = Poll(DeclaredPoll(url=url), FeedFormat.JSON, {}, outgoing, within_s=0.3)
    with pytest.raises(UnreachableError) as raised:
        _ = [one async for one in poll.pages(Validators())]
    assert raised.value.code == "exchange.no_answer_in_time"


async def test_the_format_is_that_of_the_media_type_where_a_feed_says_none(
    server: FeedServer, outgoing: Outgoing
) -> None:
    url = server.put("/rows", b"a;b\n1;2\n", Content_Type="text/csv; charset=utf-8")
    poll = Poll(DeclaredPoll(url=url), FeedFormat.AUTO, {}, outgoing)
    found = [one.format async for one in poll.pages(Validators())]
    assert found == [FeedFormat.CSV]


def test_validators_are_for_the_address_that_gave_them() -> None:
    seen = Validators("https://a.example/x", '"1"', "")
    assert seen.headers("https://a.example/x") == {"If-None-Match": '"1"'}
    assert seen.headers("https://a.example/y") == {}
    assert msgspec.convert(msgspec.to_builtins(seen), Validators) == seen


async def test_who_tries_a_file_sees_what_its_sources_answer_and_what_is_wrong_with_them(
    server: FeedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFFROI_SECRET_HUB_EAU", "k")
    url = server.put(PAGE, page("01"))
    (tmp_path / "feeds.yaml").write_text(
        "feeds:\n"
        f"  good: {{poll: {{url: '{url}', headers: {{X-Key: '{{secret:hub-eau}}'}}}}, "
        "format: hubeau-observations}\n"
        f"  gone: {{poll: {{url: '{server.origin}/gone'}}, format: gtfs-stops}}\n"
        f"  other: {{poll: {{url: '{url}'}}, format: json, rows: data, "
        "id: 'urn:x:{code_station}', type: Gauge, attributes: {level: {column: resultat}}}\n"
    )
    feeds = load_declarations(tmp_path / "feeds.yaml").feeds
    with ExitStack() as spools:
        tried = {
            name: Gathered(one, spools.enter_context(Spool()), shown_most=3)
            for name, one in feeds.items()
        }
        await asyncio.to_thread(gather_all, list(tried.values()), tmp_path)
    (shown,) = tried["good"].shown
    assert shown["id"] == "urn:ngsi-ld:WaterObserved:Y340502001"
    assert tried["good"].mistakes == []
    assert server.asked[PAGE] == 2
    assert [one.code for one in tried["gone"].mistakes] == ["exchange.feed_answer_status"]
    (absent,) = tried["other"].mistakes
    assert (absent.values["column"], absent.values["nearest"]) == ("resultat", "resultat_obs")


@pytest.mark.parametrize(
    ("declared", "line", "code"),
    [
        ("{poll: {url: 'ftp://x/y'}, format: gtfs-stops}", 2, "exchange.no_url"),
        ("{poll: {url: 'https://x/', every: '5 days'}, format: gtfs-stops}", 2, "feed_schedule"),
        (
            "{poll: {url: 'https://x/', every: '0 25 * * *'}, format: gtfs-stops}",
            2,
            "feed_schedule",
        ),
        ("{poll: {url: 'https://x/'}, file: a.csv, format: gtfs-stops}", 2, "feed_source_one"),
        ("{format: gtfs-stops}", 2, "feed_source_one"),
        ("{poll: {url: 'https://x/'}, id: 'urn:{a}', type: A}", 2, "feed_incomplete"),
        ("{folder: ../other, format: gtfs-stops}", 2, "territory.not_a_relative_path"),
    ],
)
def test_what_a_feed_cannot_mean_is_told_at_its_line(
    tmp_path: Path, declared: str, line: int, code: str
) -> None:
    (tmp_path / "feeds.yaml").write_text(f"feeds:\n  rivers: {declared}\n")
    with pytest.raises(TerritoryInvalidError) as raised:
        load_declarations(tmp_path / "feeds.yaml")
    (found,) = raised.value.found
    assert (found.line, found.code) == (line, code if "." in code else f"exchange.{code}")


MOMENTS = st.integers(0, 2_000_000_000).map(lambda told: datetime.fromtimestamp(told, UTC))


@given(st.integers(1, 999_999), st.sampled_from(["s", "min", "h"]), MOMENTS)
def test_a_period_leads_on_by_itself(count: int, unit: str, after: datetime) -> None:
    told = f"{count} {unit}"
    seconds = count * {"s": 1, "min": 60, "h": 3600}[unit]
    if is_schedule(told):
        assert next_time(told, after) - after == timedelta(seconds=seconds)
    else:
        assert seconds > 366 * 86_400


def test_cron_is_in_utc_and_never_now() -> None:
    at = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert next_time("0 6 * * *", at) == at + timedelta(days=1)
