"""Answers to questions: SQL looks ahead, the predicate decides."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from beffroi.exchange.asking import kept_counts
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Page, Question, SqlFilter, Window
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import HeldEntity
from beffroi.kernel.database import Connection

_BATCH: Final = 500
_SORTED_MOST: Final = 50_000
_RANKED: Final = itemgetter(0, 1)


async def page_of(
    connection: Connection,
    realm: Realm,
    question: Question,
    window: Window,
    now: datetime,
) -> Page:
    """Return a window of the answers.

    Args:
        connection: Where to look.
        realm: Whose entities.
        question: Which ones.
        window: Which part.
        now: What expired until then is gone.

    Raises:
        TooComplexQueryError: More than 50,000 would have to be sorted.
    """
    if question.rank is not None:
        return await _sorted_page(connection, realm, question, question.rank, window, now)
    if question.asked.exact:
        return await _exact_page(connection, realm, question, window, now)
    return await _filtered_page(connection, realm, question, window, now)


async def answers(
    connection: Connection, realm: Realm, question: Question, now: datetime, first: int = _BATCH
) -> AsyncIterator[HeldEntity]:
    """Yield every answer in the order of creation, less what may not be seen of it.

    Args:
        connection: Where to look.
        realm: Whose entities.
        question: Which ones.
        now: What expired until then is gone.
        first: How many to look at first; then more at a time, and at most 500.
    """
    after, limit = 0, min(first, _BATCH)
    while True:
        held = await asked_store.entities(
            connection, realm, question.asked, after=after, limit=limit
        )
        for one in held:
            held_now = _alive(one, now)
            if held_now is not None and question.wanted(held_now.entity):
                yield held_now
        if len(held) < limit:
            return
        after, limit = held[-1].number, min(limit * 4, _BATCH)


async def ids(connection: Connection, realm: Realm, question: Question, now: datetime) -> list[str]:
    """Return the ids of all answers, in the order of creation."""
    if question.asked.exact:
        return await asked_store.entity_ids(connection, realm, question.asked)
    return [one.entity.id async for one in answers(connection, realm, question, now)]


async def _exact_page(
    connection: Connection,
    realm: Realm,
    question: Question,
    window: Window,
    now: datetime,
) -> Page:
    asked, limit = question.asked, window.limit + 1
    if window.offset:
        held = await asked_store.entities_beyond(
            connection, realm, asked, offset=window.offset, limit=limit
        )
    else:
        held = await asked_store.entities(connection, realm, asked, limit=limit)
    count = await _counted(connection, realm, asked) if window.count else None
    shown = (_alive(one, now) for one in held[: window.limit])
    return _page([one for one in shown if one is not None], count, more=len(held) > window.limit)


async def _counted(connection: Connection, realm: Realm, asked: SqlFilter) -> int:
    if asked.is_types_alone and kept_counts.are_kept_for(realm):
        return await kept_counts.count_of_types(connection, realm, asked.types)
    return await asked_store.count_entities(connection, realm, asked)


async def _filtered_page(
    connection: Connection,
    realm: Realm,
    question: Question,
    window: Window,
    now: datetime,
) -> Page:
    found: list[HeldEntity] = []
    count = 0
    end = window.offset + window.limit
    first = _BATCH if window.count else end + 1
    async for one in answers(connection, realm, question, now, first):
        if window.offset <= count < end:
            found.append(one)
        count += 1
        if count > end and not window.count:
            break
    return _page(found, count if window.count else None, more=count > end)


async def _sorted_page(
    connection: Connection,
    realm: Realm,
    question: Question,
    rank: Callable[[Entity], Any],
    window: Window,
    now: datetime,
) -> Page:
    """Return the first ones; the others are let go as soon as they are seen not to be among them.

    Sorting a few at a time leaves room for others who ask meanwhile.
    """
    end, count = window.offset + window.limit, 0
    first: list[tuple[Any, int, HeldEntity]] = []
    async for one in answers(connection, realm, question, now):
        count += 1
        if count > _SORTED_MOST:
            raise TooComplexQueryError("exchange.too_many_to_sort", most=_SORTED_MOST)
        first.append((rank(one.entity), one.number, one))
        if len(first) > end + 2 * _BATCH:
            first.sort(key=_RANKED)
            del first[end:]
    first.sort(key=_RANKED)
    shown = [one for _, _, one in first[window.offset : end]]
    return _page(shown, count if window.count else None, more=count > end)


def _page(held: Sequence[HeldEntity], count: int | None, *, more: bool) -> Page:
    return Page(
        tuple([one.entity for one in held]),
        count,
        more,
        tuple([one.organisation for one in held]),
    )


def _alive(held: HeldEntity, now: datetime) -> HeldEntity | None:
    entity = alive(held.entity, now)
    if entity is None or entity is held.entity:
        return held if entity else None
    return HeldEntity(held.organisation, held.number, entity)
