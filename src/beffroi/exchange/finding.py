"""Answers to questions: SQL looks ahead, the predicate decides."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from beffroi.exchange import store
from beffroi.exchange.asking import Page, Question, Window
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import alive
from beffroi.kernel.database import Connection

_BATCH: Final = 500
_SORTED_MOST: Final = 50_000


async def page_of(
    connection: Connection, tenant: str, question: Question, window: Window, now: datetime
) -> Page:
    """Return a window of the answers.

    Args:
        connection: Where to look.
        tenant: Whose entities.
        question: Which ones.
        window: Which part.
        now: What expired until then is gone.

    Raises:
        TooComplexQueryError: More than 50,000 would have to be sorted.
    """
    if question.rank is not None:
        found = await _all_answers(connection, tenant, question, now)
        found.sort(key=question.rank)
        return _page_of_list(found, window)
    if question.asked.exact:
        return await _exact_page(connection, tenant, question, window, now)
    return await _filtered_page(connection, tenant, question, window, now)


async def answers(
    connection: Connection, tenant: str, question: Question, now: datetime
) -> AsyncIterator[Entity]:
    """Yield every answer in the order of creation."""
    after = 0
    while True:
        held = await store.entities(connection, tenant, question.asked, after=after, limit=_BATCH)
        for one in held:
            entity = alive(one.entity, now)
            if entity is not None and question.wanted(entity):
                yield entity
        if len(held) < _BATCH:
            return
        after = held[-1].number


async def _exact_page(
    connection: Connection, tenant: str, question: Question, window: Window, now: datetime
) -> Page:
    held = await store.entities(
        connection, tenant, question.asked, offset=window.offset, limit=window.limit + 1
    )
    count = await store.count_entities(connection, tenant, question.asked) if window.count else None
    shown = (alive(one.entity, now) for one in held[: window.limit])
    found = tuple(one for one in shown if one is not None)
    return Page(found, count, len(held) > window.limit)


async def _filtered_page(
    connection: Connection, tenant: str, question: Question, window: Window, now: datetime
) -> Page:
    found: list[Entity] = []
    count = 0
    end = window.offset + window.limit
    async for entity in answers(connection, tenant, question, now):
        if window.offset <= count < end:
            found.append(entity)
        count += 1
        if count > end and not window.count:
            break
    return Page(tuple(found), count if window.count else None, count > end)


async def _all_answers(
    connection: Connection, tenant: str, question: Question, now: datetime
) -> list[Entity]:
    found: list[Entity] = []
    async for entity in answers(connection, tenant, question, now):
        found.append(entity)
        if len(found) > _SORTED_MOST:
            raise TooComplexQueryError("exchange.too_many_to_sort", most=_SORTED_MOST)
    return found


def _page_of_list(found: Sequence[Entity], window: Window) -> Page:
    end = window.offset + window.limit
    shown = tuple(found[window.offset : end])
    return Page(shown, len(found) if window.count else None, len(found) > end)
