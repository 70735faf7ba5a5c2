"""Work is done once for all who ask while it is under way."""

import asyncio
from collections import Counter

import pytest

from beffroi.exchange.contexts.single_flight import SingleFlight
from tests.support.waiting import eventually


class _Work:
    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.released = asyncio.Event()

    async def __call__(self, key: str) -> str:
        self.begun[key] += 1
        await self.released.wait()
        if key == "bad":
            raise ValueError(key)
        return f"{key} {self.begun[key]}"


async def test_all_who_ask_share_what_comes_of_it() -> None:
    work = _Work()
    flights = SingleFlight(work)
    asking = [asyncio.create_task(flights.result(key)) for key in ("a", "b", "a", "bad", "bad")]
    await eventually(lambda: len(flights) == 3)
    work.released.set()
    shared = await asyncio.gather(*asking, return_exceptions=True)
    assert shared[:3] == ["a 1", "b 1", "a 1"]
    assert {type(one) for one in shared[3:]} == {ValueError}
    assert work.begun == {"a": 1, "b": 1, "bad": 1}
    assert await flights.result("a") == "a 2"


async def test_one_who_leaves_does_not_stop_the_work() -> None:
    work = _Work()
    flights = SingleFlight(work)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await flights.result("a")
    work.released.set()
    assert await flights.result("a") == "a 1"


async def test_work_that_fails_when_all_have_left_troubles_nobody() -> None:
    work = _Work()
    flights = SingleFlight(work)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await flights.result("bad")
    work.released.set()
    await eventually(lambda: len(flights) == 0)
    with pytest.raises(ValueError, match="bad"):
        await flights.result("bad")


async def test_what_began_before_a_change_is_not_joined_after_it() -> None:
    work = _Work()
    flights = SingleFlight(work)
    before = asyncio.create_task(flights.result("a"))
    await eventually(lambda: work.begun["a"] == 1)
    flights.begin_anew()
    after = asyncio.create_task(flights.result("a"))
    await eventually(lambda: work.begun["a"] == 2)
    joining = asyncio.create_task(flights.result("a"))
    work.released.set()
    await asyncio.gather(before, after, joining)
    assert work.begun["a"] == 2


async def test_closing_stops_what_is_under_way() -> None:
    work = _Work()
    flights = SingleFlight(work)
    asking = asyncio.create_task(flights.result("a"))
    await eventually(lambda: work.begun["a"] == 1)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(flights) == 0
