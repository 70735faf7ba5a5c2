"""Uses are counted until they are written."""

from datetime import timedelta

from beffroi.exchange.contexts.uses import UseCounter, Uses
from tests.support.clocks import ManualClock


async def test_uses_are_handed_out_once_in_the_order_of_their_ids() -> None:
    counter, now = UseCounter(), ManualClock().now()
    later = now + timedelta(seconds=1)
    counter.add(["b", "a"], now)
    counter.add(["a"], later)
    assert counter.any.is_set()
    assert list(counter.taken().items()) == [("a", Uses(2, later)), ("b", Uses(1, now))]
    assert not counter.any.is_set()
    assert counter.taken() == {}


async def test_what_could_not_be_written_is_counted_with_what_came_since() -> None:
    counter, now = UseCounter(), ManualClock().now()
    counter.add(["a"], now)
    taken = counter.taken()
    later = now + timedelta(seconds=1)
    counter.add(["a"], later)
    counter.give_back(taken)
    assert counter.of("a") == Uses(2, later)
    assert counter.of("b") is None
    assert counter.any.is_set()
