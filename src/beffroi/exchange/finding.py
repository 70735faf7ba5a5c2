"""Answers to questions: SQL looks ahead, the predicate decides."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from beffroi.exchange import asked_store
from beffroi.exchange.asking import Page, Question, Window
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.reach import Realm
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import HeldEntity
from beffroi.kernel.database import Connection

_BATCH: Final = 500
_SORTED_MOST: Final = 50_000


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
        found = await _all_answers(connection, realm, question, now)
        rank = question.rank
        found.sort(key=lambda one: rank(one.entity))
        return _page_of_list(found, window)
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
    held = await asked_store.entities(
        connection, realm, question.asked, offset=window.offset, limit=window.limit + 1
    )
    count = None
    if window.count:
        count = await asked_store.count_entities(connection, realm, question.asked)
    shown = (_alive(one, now) for one in held[: window.limit])
    return _page([one for one in shown if one is not None], count, more=len(held) > window.limit)


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


async def _all_answers(
    connection: Connection, realm: Realm, question: Question, now: datetime
) -> list[HeldEntity]:
    found: list[HeldEntity] = []
    async for one in answers(connection, realm, question, now):
        found.append(one)
        if len(found) > _SORTED_MOST:
            raise TooComplexQueryError("exchange.too_many_to_sort", most=_SORTED_MOST)
    return found


def _page_of_list(found: Sequence[HeldEntity], window: Window) -> Page:
    end = window.offset + window.limit
    count = len(found) if window.count else None
    return _page(found[window.offset : end], count, more=len(found) > end)


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
