"""A question that takes too long ends, says why, and gives its connection back."""

import asyncio
from time import monotonic

import pytest

from beffroi.exchange.asking import finding
from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.asking.reach import EVERYWHERE, Realm, asking
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Entity
from beffroi.kernel.database import Database, fetch_value
from tests.integration.exchange.asking.conftest import Town
from tests.unit.exchange.query.random_questions import NOW

ALL = Realm("", EVERYWHERE)
SLOW = Question(asked=SqlFilter("true"), wanted=lambda _: True)
BUS = Entity(id="urn:a", types=("Bus",), created_at=NOW, modified_at=NOW)


async def test_a_statement_that_is_made_to_be_slow_is_stopped(database: Database) -> None:
    begun = monotonic()
    with pytest.raises(TooComplexQueryError) as raised:
        async with asking(database, EVERYWHERE, within_s=0.3) as connection:
            await fetch_value(connection, "select pg_sleep(20)")
    assert raised.value.code == "exchange.asked_out_of_time"
    assert raised.value.status == 403
    assert monotonic() - begun < 10
    async with asking(database, EVERYWHERE) as connection:
        assert await fetch_value(connection, "select 1") == 1


async def test_many_quick_statements_have_one_time_together(database: Database) -> None:
    async def ask_on() -> None:
        async with asking(database, EVERYWHERE, within_s=0.3) as connection:
            while True:
                await fetch_value(connection, "select pg_sleep(0.02)")

    with pytest.raises(TooComplexQueryError) as raised:
        await ask_on()
    assert raised.value.values == {"seconds": 0.3}


async def test_a_page_that_is_asked_for_in_time_is_answered(town: Town) -> None:
    async with town([("arras", BUS)]) as connection:
        async with asyncio.timeout(10):
            assert await finding.ids(connection, ALL, SLOW, NOW) == ["urn:a0"]
