"""The index of pages in PostgreSQL: what a purge names is exactly what it finds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.delivery.header_sets import HeaderSet, header_set
from beffroi.delivery.page_index import (
    all_header_sets,
    all_pages,
    drop_pages,
    end_purge,
    keep_header_set,
    keep_pages,
    matching_pages,
    pending_purges,
    recent_purges,
    record_purge,
)
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import PageRow, Purge, PurgeKind
from beffroi.delivery.storability import OriginAnswer
from beffroi.kernel.database import Connection, Database, Scope, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import read_after
from tests.conftest import MakeDatabase

STORED_AT = datetime(2026, 11, 22, 8, 30, 15, 123456, tzinfo=UTC)
APPLICATIONS = ("portail", "bus")
HOSTS = ("www.ville.fr", "www.ville.fr.test")
# Those of LIKE, of an escape, of two spellings of one letter, and prefixes of one another.
PATHS = ("/", "/a", "/a/", "/ab", "/A", "/a%", "/a%b", "/a_", "/a_b", "/a\\", "/é", "/e\u0301/x")
QUERIES = ("", "p=1", "p=10", "p=%C3%A9")
TAGS = ("home", "hom", "Home", "bus:12", "a'b\\", "é")

Page = tuple[PageRow, frozenset[str]]


class Keep(msgspec.Struct, frozen=True):
    """Pages that are kept at once."""

    pages: list[Page]


class Drop(msgspec.Struct, frozen=True):
    """Pages that are dropped at once, there or not."""

    keys: list[PageKey]


class _Undone(Exception):  # noqa: N818 - it is no error: it ends an example
    pass


def row(key: PageKey, application: str = "portail", answer: str = "0" * 16) -> PageRow:
    return PageRow(
        host=key.host,
        path=key.path,
        query=key.query,
        application=application,
        organisation=f"commune-{application}",
        header_set="05f",
        answer=answer,
        size_bytes=71_000,
        stored_at=STORED_AT,
        fresh_until=STORED_AT + timedelta(minutes=5),
        stale_while_until=STORED_AT + timedelta(minutes=6),
        stale_error_until=STORED_AT + timedelta(days=1),
    )


def purge(kind: PurgeKind, value: str = "", application: str = "portail") -> Purge:
    return Purge(1, application, f"commune-{application}", kind, value, "maire")


keys = st.builds(PageKey, st.sampled_from(HOSTS), st.sampled_from(PATHS), st.sampled_from(QUERIES))
pages: st.SearchStrategy[Page] = st.tuples(
    st.builds(
        row,
        keys,
        st.sampled_from(APPLICATIONS),
        st.text(ascii_lowercase, min_size=16, max_size=16),
    ),
    st.frozensets(st.sampled_from(TAGS), max_size=3),
)
purges = st.one_of(
    st.builds(
        lambda key, mark, application: purge(
            PurgeKind.URL, key.host + key.path + (f"?{key.query}" if mark else ""), application
        ),
        *(keys, st.booleans(), st.sampled_from(APPLICATIONS)),
    ),
    st.builds(
        lambda host, path, application: purge(PurgeKind.PREFIX, host + path, application),
        *(st.sampled_from(HOSTS), st.sampled_from(("", *PATHS)), st.sampled_from(APPLICATIONS)),
    ),
    st.builds(purge, st.just(PurgeKind.TAG), st.sampled_from(TAGS), st.sampled_from(APPLICATIONS)),
    st.builds(purge, st.just(PurgeKind.SITE), st.just(""), st.sampled_from(APPLICATIONS)),
)
acts: st.SearchStrategy[list[Keep | Drop | Purge]] = st.lists(
    st.one_of(
        st.builds(Keep, st.lists(pages, max_size=12)),
        st.builds(Drop, st.lists(keys, max_size=4)),
        purges,
    ),
    max_size=12,
)


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "delivery")


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction that leaves no trace, so that examples do not see one another."""
    with suppress(_Undone):
        async with database.transaction(EVERYTHING) as connection:
            yield connection
            raise _Undone


def named(purge: Purge, kept: dict[PageKey, Page]) -> list[PageKey]:
    """Say what a purge means, in the plainest way."""
    found = []
    for key, (page, tags) in kept.items():
        address = key.host + key.path
        meant = {
            PurgeKind.URL: purge.value in {address, f"{address}?{key.query}"},
            PurgeKind.PREFIX: address.startswith(purge.value)
            and key.host == purge.value.split("/")[0],
            PurgeKind.TAG: purge.value in tags,
            PurgeKind.SITE: True,
        }
        if page.application == purge.application and meant[purge.kind]:
            found.append(key)
    return sorted(found)


async def act(connection: Connection, kept: dict[PageKey, Page], done: Keep | Drop | Purge) -> None:
    """Do one thing to the index and to the model."""
    gone: Sequence[PageKey] = ()
    match done:
        case Keep(batch):
            await keep_pages(connection, batch)
            kept.update({page.key: (page, tags) for page, tags in batch})
        case Drop(named_keys):
            gone = named_keys
        case Purge():
            gone = await matching_pages(connection, done)
            assert list(gone) == named(done, kept)
    await drop_pages(connection, gone)
    for key in gone:
        kept.pop(key, None)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(done=acts, asked=st.lists(purges, min_size=4, max_size=4))
async def test_the_index_finds_exactly_what_a_purge_names(
    database: Database, done: list[Keep | Drop | Purge], asked: list[Purge]
) -> None:
    kept: dict[PageKey, Page] = {}
    async with undone(database) as connection:
        for one in done:
            await act(connection, kept, one)
        assert list(await all_pages(connection)) == [kept[key][0] for key in sorted(kept)]
        for order in asked:
            found = list(await matching_pages(connection, order))
            assert found == named(order, kept)
            assert found == sorted(
                key
                for key, (page, tags) in kept.items()
                if order.matches(page.application, key, tags)
            )
        tags = await fetch_value(connection, "select count(*) from delivery.page_tag")
        assert tags == sum(len(tags) for _, tags in kept.values())


async def test_the_tags_of_a_replaced_page_do_not_linger(database: Database) -> None:
    key = PageKey(HOSTS[0], "/a", "")
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, [(row(key), frozenset({"home", "old"}))])
        await keep_pages(connection, [(row(key), frozenset({"home", "new"}))])

        found = {
            tag: await matching_pages(connection, purge(PurgeKind.TAG, tag))
            for tag in ("home", "old", "new")
        }
    assert found == {"home": [key], "old": [], "new": [key]}


async def test_a_page_that_changes_its_application_takes_its_tags_along(
    database: Database,
) -> None:
    key = PageKey(HOSTS[0], "/a", "")
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, [(row(key, "portail"), frozenset({"home"}))])
        await keep_pages(connection, [(row(key, "bus"), frozenset({"home"}))])

        found = [
            await matching_pages(connection, purge(PurgeKind.TAG, "home", application))
            for application in APPLICATIONS
        ]
    assert found == [[], [key]]
    async with database.transaction(Scope("commune-portail")) as connection:
        assert await fetch_value(connection, "select count(*) from delivery.page_tag") == 0


async def test_of_two_rows_with_one_key_the_later_stays(database: Database) -> None:
    key = PageKey(HOSTS[0], "/a", "")
    rows = [(row(key, answer=letter * 16), frozenset({letter})) for letter in "ab"]
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, rows)

        assert await all_pages(connection) == [rows[1][0]]
        assert await matching_pages(connection, purge(PurgeKind.TAG, "a")) == []


async def test_nothing_to_keep_or_drop_is_nothing_done(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, [])
        await drop_pages(connection, [])

        assert await all_pages(connection) == []


async def test_a_purge_waits_until_it_is_done_and_the_log_tells_it_once(
    database: Database,
) -> None:
    async with database.transaction(EVERYTHING) as connection:
        first = await record_purge(connection, "portail", "ville", PurgeKind.TAG, "agenda", "maire")
        second = await record_purge(connection, "bus", "metro", PurgeKind.SITE, "", "deploy")
    async with database.transaction(EVERYTHING) as connection:
        assert await pending_purges(connection) == [first, second]
        await end_purge(connection, first.id, 12)
        assert await pending_purges(connection) == [second]
    async with database.transaction(EVERYTHING) as connection:
        await end_purge(connection, first.id, 99)

    async with database.transaction(EVERYTHING) as connection:
        told = await read_after(connection, 0, 10)
        recent = await recent_purges(connection, "portail")
    assert [(entry.kind, entry.subject, entry.organisation) for entry in told] == [
        ("delivery.pages_purged", str(first.id), "ville")
    ]
    assert told[0].body == {
        "application": "portail",
        "kind": "tag",
        "value": "agenda",
        "pages": 12,
    }
    assert [(one.id, one.kind, one.pages) for one in recent] == [(first.id, PurgeKind.TAG, 12)]
    assert recent[0].done_at is not None


async def test_a_purge_that_is_rolled_back_is_not_told(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        recorded = await record_purge(connection, "portail", "ville", PurgeKind.SITE, "", "maire")
    async with undone(database) as connection:
        await end_purge(connection, recorded.id, 3)

    async with database.transaction(EVERYTHING) as connection:
        assert await read_after(connection, 0, 10) == []
        assert await pending_purges(connection) == [recorded]


async def test_of_done_purges_the_newest_are_kept_and_of_pending_ones_all(
    database: Database,
) -> None:
    async with database.transaction(EVERYTHING) as connection:
        waiting = await record_purge(connection, "portail", "ville", PurgeKind.SITE, "", "a")
        other = await record_purge(connection, "bus", "ville", PurgeKind.SITE, "", "a")
        await end_purge(connection, other.id, 0)
        for number in range(210):
            recorded = await record_purge(
                connection, "portail", "ville", PurgeKind.TAG, f"t{number}", "a"
            )
            await end_purge(connection, recorded.id, number)

        recent = await recent_purges(connection, "portail", 1_000)
        assert [one.value for one in recent[:-1]] == [f"t{n}" for n in range(209, 9, -1)]
        assert recent[-1].id == waiting.id
        assert len(await recent_purges(connection, "bus")) == 1
        assert [one.value for one in await recent_purges(connection, "portail", 2)] == [
            "t209",
            "t208",
        ]


async def test_an_organisation_sees_its_own_pages_tags_and_purges(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        for path, application in zip(("/a", "/b"), APPLICATIONS, strict=True):
            page = row(PageKey(HOSTS[0], path, ""), application)
            await keep_pages(connection, [(page, frozenset({"home"}))])
            await record_purge(
                connection, application, page.organisation, PurgeKind.SITE, "", "maire"
            )
        await keep_header_set(connection, some_set(), "site")

    async with database.transaction(Scope("commune-bus")) as connection:
        seen = await all_pages(connection)
        waiting = await pending_purges(connection)
        tagged = [
            await matching_pages(connection, purge(PurgeKind.TAG, "home", application))
            for application in APPLICATIONS
        ]
        shared = await all_header_sets(connection)
    assert [page.application for page in seen] == ["bus"]
    assert [one.application for one in waiting] == ["bus"]
    assert tagged == [[], [PageKey(HOSTS[0], "/b", "")]]
    assert shared == []


def some_set(cache: str = "public, max-age=60") -> HeaderSet:
    made = header_set(
        OriginAnswer(
            200,
            (
                ("content-type", "text/html; charset=utf-8"),
                ("cache-control", cache),
                ("content-security-policy", "default-src 'self'; img-src \"$x\" \\;"),
            ),
        )
    )
    assert made is not None
    return made


async def test_values_survive_the_index_unchanged(database: Database) -> None:
    page = row(PageKey(HOSTS[0], "/é%_\\'\"/ ", "q=%22"))
    page = msgspec.structs.replace(page, size_bytes=2**40)
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, [(page, frozenset())])

        assert await all_pages(connection) == [page]
