"""The index of pages: the only SQL about them."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, LiteralString

import msgspec

from beffroi.delivery.header_sets import HeaderSet, NumberedSet
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import (
    PageRow,
    Purge,
    PurgeKind,
    PurgeRecord,
    SiteUse,
    split_address,
)
from beffroi.kernel.database import (
    Connection,
    execute,
    fetch_all,
    fetch_one,
    fetch_optional,
    fetch_value,
)
from beffroi.kernel.log import Event, append

_PURGES_KEPT = 200
_MATCHING: Final = MappingProxyType[PurgeKind, LiteralString](
    {
        PurgeKind.URL: """
            select host, path, query from delivery.page
            where application = %(application)s and host = %(host)s and path = %(path)s
                and (%(query)s::text is null or query = %(query)s)
            order by host, path, query
            """,
        PurgeKind.PREFIX: """
            select host, path, query from delivery.page
            where application = %(application)s and host = %(host)s
                and starts_with(path, %(path)s)
            order by host, path, query
            """,
        PurgeKind.TAG: """
            select host, path, query from delivery.page_tag
            where application = %(application)s and tag = %(value)s
            order by host, path, query
            """,
        PurgeKind.SITE: """
            select host, path, query from delivery.page
            where application = %(application)s
            order by host, path, query
            """,
    }
)


class _Encoded(msgspec.Struct, frozen=True):
    number: int
    encoded: HeaderSet


async def keep_pages(
    connection: Connection, rows: Sequence[tuple[PageRow, frozenset[str]]]
) -> None:
    """Write pages and their tags in the place of what stood under the same keys.

    Of two rows with one key the later stays.
    """
    kept = {row.key: (row, tags) for row, tags in rows}
    if not kept:
        return
    in_order = [kept[key] for key in sorted(kept)]
    await execute(
        connection,
        """
        insert into delivery.page
        select given.* from jsonb_populate_recordset(null::delivery.page, %s::jsonb) as given
        order by host, path, query
        on conflict (host, path, query) do update set
            application = excluded.application, organisation = excluded.organisation,
            header_set = excluded.header_set, answer = excluded.answer,
            size_bytes = excluded.size_bytes, stored_at = excluded.stored_at,
            fresh_until = excluded.fresh_until, stale_while_until = excluded.stale_while_until,
            stale_error_until = excluded.stale_error_until
        """,
        (_json([row for row, _ in in_order]),),
    )
    await _keep_tags(connection, in_order)


async def _keep_tags(
    connection: Connection, rows: Sequence[tuple[PageRow, frozenset[str]]]
) -> None:
    """Give pages these tags and no others; those that stay are not written again."""
    await execute(
        connection,
        """
        with given as materialized (
            select * from unnest(%(hosts)s::text[], %(paths)s::text[], %(queries)s::text[],
                %(applications)s::text[], %(organisations)s::text[], %(tags)s::jsonb[])
                as page(host, path, query, application, organisation, tags)
        ), lingering as (
            delete from delivery.page_tag as kept using given
            where (kept.host, kept.path, kept.query) = (given.host, given.path, given.query)
                and (kept.application <> given.application or not given.tags ? kept.tag)
        )
        insert into delivery.page_tag (host, path, query, application, organisation, tag)
        select host, path, query, application, organisation, jsonb_array_elements_text(tags)
        from given on conflict do nothing
        """,
        {
            **_columns([row.key for row, _ in rows]),
            "applications": [row.application for row, _ in rows],
            "organisations": [row.organisation for row, _ in rows],
            "tags": [_json(sorted(tags)) for _, tags in rows],
        },
    )


async def all_pages(connection: Connection) -> Sequence[PageRow]:
    """Return every page, in the order of the keys."""
    return await fetch_all(
        connection, PageRow, "select * from delivery.page order by host, path, query"
    )


async def newest_pages(connection: Connection, application: str, limit: int) -> Sequence[PageRow]:
    """Return the pages of an application that were stored last, the newest first."""
    return await fetch_all(
        connection,
        PageRow,
        "select * from delivery.page where application = %s"
        " order by stored_at desc, host, path, query limit %s",
        (application, limit),
    )


async def drop_pages(connection: Connection, keys: Sequence[PageKey]) -> None:
    """Forget pages and their tags; keys that are not there are passed over.

    Rows are locked in the order in which ``keep_pages`` writes them: neither waits for the other
    in a circle.
    """
    await execute(
        connection,
        """
        with named as materialized (
            select page.host, page.path, page.query
            from unnest(%(hosts)s::text[], %(paths)s::text[], %(queries)s::text[])
                as given(host, path, query)
            join delivery.page as page using (host, path, query)
            order by page.host, page.path, page.query
            for update of page
        )
        delete from delivery.page using named
        where (page.host, page.path, page.query) = (named.host, named.path, named.query)
        """,
        _columns(keys),
    )


async def matching_pages(connection: Connection, purge: Purge) -> Sequence[PageKey]:
    """Return the pages that a purge names, in the order of the keys."""
    address, asked, query = purge.value, "", ""
    if purge.kind is PurgeKind.URL:
        address, asked, query = purge.value.partition("?")
    host, path = split_address(address)
    return await fetch_all(
        connection,
        PageKey,
        _MATCHING[purge.kind],
        {
            "application": purge.application,
            "value": purge.value,
            "host": host,
            "path": path,
            "query": query if asked else None,
        },
    )


async def record_purge(
    connection: Connection,
    application: str,
    organisation: str,
    kind: PurgeKind,
    value: str,
    actor: str,
) -> Purge:
    """Write down a purge that is to be done."""
    return await fetch_one(
        connection,
        Purge,
        """
        insert into delivery.purge (application, organisation, kind, value, actor)
        values (%s, %s, %s, %s, %s)
        returning id, application, organisation, kind, value, actor
        """,
        (application, organisation, kind, value, actor),
    )


async def pending_purges(connection: Connection) -> Sequence[Purge]:
    """Return the purges that are not done, oldest first."""
    return await fetch_all(
        connection,
        Purge,
        """
        select id, application, organisation, kind, value, actor
        from delivery.purge where done_at is null order by id
        """,
    )


async def end_purge(connection: Connection, purge_id: int, pages: int) -> None:
    """Note that a purge is done, once, and tell the log as the last act of the transaction.

    Of each application the newest 200 purges are kept.
    """
    done = await fetch_optional(
        connection,
        Purge,
        """
        update delivery.purge set done_at = now(), pages = %s where id = %s and done_at is null
        returning id, application, organisation, kind, value, actor
        """,
        (pages, purge_id),
    )
    if done is None:
        return
    await execute(
        connection,
        """
        delete from delivery.purge where application = %(application)s and done_at is not null
            and id < (
                select min(id) from (
                    select id from delivery.purge where application = %(application)s
                    order by id desc limit %(kept)s
                ) as newest
            )
        """,
        {"application": done.application, "kept": _PURGES_KEPT},
    )
    told = {
        "application": done.application,
        "kind": done.kind,
        "value": done.value,
        "pages": pages,
    }
    subject = str(done.id)
    await append(connection, Event("delivery.pages_purged", subject, done.organisation, told))


async def recent_purges(
    connection: Connection, application: str, limit: int = 20
) -> Sequence[PurgeRecord]:
    """Return an application's newest purges, done or not."""
    return await fetch_all(
        connection,
        PurgeRecord,
        "select * from delivery.purge where application = %s order by id desc limit %s",
        (application, limit),
    )


async def site_use(connection: Connection, application: str) -> SiteUse:
    """Count an application's pages and their bytes."""
    return await fetch_one(
        connection,
        SiteUse,
        "select count(*) as pages, coalesce(sum(size_bytes), 0)::bigint as size_bytes"
        " from delivery.page where application = %s",
        (application,),
    )


async def keep_header_set(
    connection: Connection, header_set: HeaderSet, application: str
) -> NumberedSet | None:
    """Keep a header set under a number of its own and tell the log as the last act.

    Args:
        connection: Of a transaction that does nothing more.
        header_set: May be kept already, for this application or another.
        application: The one that needs it first.

    Returns:
        It with its number; nothing when all numbers are taken.
    """
    added = await execute(
        connection,
        """
        insert into delivery.header_set (digest, number, application, encoded)
        select %(digest)s, free, %(application)s, %(encoded)s::jsonb
        from generate_series(0, 4095) as free, delivery.header_set_number as given
        where free not in (select number from delivery.header_set)
        order by (free - given.last_value + 4095) %% 4096 limit 1
        on conflict (digest) do nothing
        """,
        {
            "digest": header_set.digest,
            "application": application,
            "encoded": _json(header_set),
        },
    )
    number = await fetch_value(
        connection,
        "select number from delivery.header_set where digest = %s",
        (header_set.digest,),
    )
    if added:
        await execute(connection, "select setval('delivery.header_set_number', %s)", (number,))
        await append(connection, Event("delivery.header_set_added", header_set.digest))
    return None if number is None else NumberedSet(number, header_set)


async def all_header_sets(connection: Connection) -> Sequence[NumberedSet]:
    """Return every header set, oldest first."""
    found = await fetch_all(
        connection,
        _Encoded,
        "select number, encoded from delivery.header_set order by added_at, digest",
    )
    return [NumberedSet(row.number, row.encoded) for row in found]


async def configured_header_sets(
    connection: Connection, most: int, most_of_one: int
) -> Sequence[NumberedSet]:
    """Return the header sets that nginx is to know, oldest first.

    Args:
        connection: Of a transaction that may read everything.
        most: How many in all.
        most_of_one: How many that one application brought: none uses up the room of the others.
    """
    found = await fetch_all(
        connection,
        _Encoded,
        """
        select number, encoded from (
            select number, encoded, added_at, digest,
                row_number() over (partition by application order by added_at, digest) as place
            from delivery.header_set
        ) as placed
        where place <= %s order by added_at, digest limit %s
        """,
        (most_of_one, most),
    )
    return [NumberedSet(row.number, row.encoded) for row in found]


async def drop_unused_header_sets(connection: Connection) -> None:
    """Forget the header sets that no page is kept with."""
    await execute(
        connection,
        """
        delete from delivery.header_set
        where lpad(to_hex(number::int), 3, '0') not in (select header_set from delivery.page)
        """,
    )


def _columns(keys: Sequence[PageKey]) -> dict[str, list[str]]:
    """Turn keys into arrays: of these PostgreSQL knows the length, and finds rows by their key.

    Of a JSON document it expects a hundred rows, and reads the whole table for one.
    """
    return {
        "hosts": [key.host for key in keys],
        "paths": [key.path for key in keys],
        "queries": [key.query for key in keys],
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
