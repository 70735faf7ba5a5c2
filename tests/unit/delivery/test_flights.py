"""Fills under way: one for many visitors, and none is shown behind a purge that concerns it."""

import asyncio
from collections.abc import Awaitable

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beffroi.delivery.filler.flights import Flight, Flights
from beffroi.delivery.filler.outcomes import Outcome, Unstored
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import Purge, PurgeKind

HOST = "www.ville.fr"
PATHS = ("/", "/a", "/a/b")
TAGS = ("home", "bus")
APPLICATIONS = ("portail", "bus")
DONE = Unstored("private", None)


def key(path: str, query: str = "") -> PageKey:
    return PageKey(HOST, path, query)


def purge(kind: PurgeKind, value: str, application: str = "portail") -> Purge:
    return Purge(1, application, "ville", kind, value, "maire")


class Fills:
    """Fills that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Flight] = []
        self._ends: dict[int, asyncio.Future[Outcome]] = {}

    async def __call__(self, flight: Flight) -> Outcome:
        end: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._ends[len(self.begun)] = end
        self.begun.append(flight)
        return await end

    def end(self, number: int) -> None:
        self._ends[number].set_result(DONE)

    def fail(self, number: int) -> None:
        self._ends[number].set_exception(OSError("broken"))


async def begun(work: Awaitable[object]) -> "asyncio.Future[object]":
    """Let a piece of work go as far as it goes by itself."""
    task = asyncio.ensure_future(work)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_many_wait_for_one_fill_and_one_is_told_that_it_began_it() -> None:
    flights, fills = Flights(), Fills()
    waiting = [await begun(flights.join(key("/"), "portail", fills)) for _ in range(20)]
    assert flights.is_under_way(key("/"))

    fills.end(0)

    assert await asyncio.gather(*waiting) == [(DONE, True)] + [(DONE, False)] * 19
    assert len(fills.begun) == 1
    assert not flights.is_under_way(key("/"))
    assert not flights.concerns_path(HOST, "/")


async def test_a_visitor_who_leaves_does_not_stop_the_fill_of_the_others() -> None:
    flights, fills = Flights(), Fills()
    first = await begun(flights.join(key("/"), "portail", fills))
    second = await begun(flights.join(key("/"), "portail", fills))

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    fills.end(0)

    assert await second == (DONE, False)


async def test_a_fill_that_fails_fails_for_all_and_the_next_begins_anew() -> None:
    flights, fills = Flights(), Fills()
    waiting = [await begun(flights.join(key("/"), "portail", fills)) for _ in range(2)]
    fills.fail(0)
    for one in waiting:
        with pytest.raises(OSError, match="broken"):
            await one

    again = await begun(flights.join(key("/"), "portail", fills))
    fills.end(1)

    assert await again == (DONE, True)


async def test_pages_of_one_path_with_different_queries_are_filled_side_by_side() -> None:
    flights, fills = Flights(), Fills()
    for query in ("", "p=1"):
        _ = await begun(flights.join(key("/a", query), "portail", fills))
    assert flights.concerns_path(HOST, "/a")
    assert not flights.concerns_path(HOST, "/")

    fills.end(0)
    await asyncio.sleep(0)
    assert flights.concerns_path(HOST, "/a")
    fills.end(1)
    await asyncio.sleep(0)
    assert len(fills.begun) == 2
    assert not flights.concerns_path(HOST, "/a")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PurgeKind.URL, f"{HOST}/a"),
        (PurgeKind.PREFIX, f"{HOST}/"),
        (PurgeKind.SITE, ""),
        (PurgeKind.TAG, "home"),
    ],
)
async def test_who_comes_after_a_purge_does_not_wait_for_the_fill_before_it(
    kind: PurgeKind, value: str
) -> None:
    flights, fills = Flights(), Fills()
    first = await begun(flights.join(key("/a"), "portail", fills))
    flights.heed(purge(kind, value))

    second = await begun(flights.join(key("/a"), "portail", fills))

    assert len(fills.begun) == 2
    old, fresh = fills.begun
    tags = frozenset({"home"})
    assert not flights.may_show(old, tags)
    assert flights.may_show(fresh, tags)
    fills.end(0)
    assert await first == (DONE, True)
    assert flights.is_under_way(key("/a")), "the end of the old fill is not that of the new one"
    fills.end(1)
    assert await second == (DONE, True)


async def test_a_purge_by_tag_lets_a_fill_be_shown_whose_answer_has_other_tags() -> None:
    flights, fills = Flights(), Fills()
    _ = await begun(flights.join(key("/a"), "portail", fills))
    flights.heed(purge(PurgeKind.TAG, "home"))

    assert flights.may_show(fills.begun[0], frozenset({"bus"}))
    assert not flights.may_show(fills.begun[0], frozenset({"bus", "home"}))
    fills.end(0)


class Begin(msgspec.Struct, frozen=True):
    """A visitor asks for a page whose answer will have tags."""

    path: str
    application: str
    tags: frozenset[str]


class Told(msgspec.Struct, frozen=True):
    """A purge is told."""

    purge: Purge


class End(msgspec.Struct, frozen=True):
    """One of the fills under way has its answer."""

    which: int


STEPS = st.lists(
    st.one_of(
        st.builds(
            Begin,
            st.sampled_from(PATHS),
            st.sampled_from(APPLICATIONS),
            st.frozensets(st.sampled_from(TAGS)),
        ),
        st.builds(
            Told,
            st.one_of(
                st.builds(
                    purge,
                    st.sampled_from((PurgeKind.URL, PurgeKind.PREFIX)),
                    st.sampled_from([HOST + path for path in PATHS]),
                    st.sampled_from(APPLICATIONS),
                ),
                st.builds(
                    purge,
                    st.just(PurgeKind.TAG),
                    st.sampled_from(TAGS),
                    st.sampled_from(APPLICATIONS),
                ),
                st.builds(
                    purge, st.just(PurgeKind.SITE), st.just(""), st.sampled_from(APPLICATIONS)
                ),
            ),
        ),
        st.builds(End, st.integers(0, 5)),
    ),
    max_size=30,
)


class Sky:
    """Fills and purges in any order, with what each fill was told since it began."""

    def __init__(self) -> None:
        self.flights = Flights()
        self.fills = Fills()
        self.open: list[tuple[int, Begin, list[Purge]]] = []

    async def take(self, step: Begin | Told | End) -> None:
        match step:
            case Begin(path, application, _):
                joined = self.flights.join(key(path), application, self.fills)
                before = len(self.fills.begun)
                _ = await begun(joined)
                if len(self.fills.begun) > before:
                    self.open.append((before, step, []))
            case Told(purge):
                self.flights.heed(purge)
                for _, _, heard in self.open:
                    heard.append(purge)
            case End(which):
                if self.open:
                    number, _, _ = self.open.pop(which % len(self.open))
                    self.fills.end(number)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)

    def judged_alike(self) -> bool:
        """Tell whether each fill under way may be shown exactly when no purge names it."""
        return all(
            self.flights.may_show(self.fills.begun[number], fill.tags)
            == (not any(is_named(fill, one) for one in heard))
            for number, fill, heard in self.open
        )


def is_named(fill: Begin, told: Purge) -> bool:
    return told.matches(fill.application, key(fill.path), fill.tags)


@given(STEPS)
def test_whatever_the_order_a_fill_is_shown_when_no_purge_since_its_beginning_names_it(
    steps: list[Begin | Told | End],
) -> None:
    async def fly() -> None:
        sky = Sky()
        try:
            for step in steps:
                await sky.take(step)
                assert sky.judged_alike()
        finally:
            while sky.open:
                await sky.take(End(0))
        assert not any(sky.flights.concerns_path(HOST, path) for path in PATHS)

    asyncio.run(fly())


@given(STEPS)
@example(
    [
        Begin("/", "portail", frozenset()),
        Told(purge(PurgeKind.URL, f"{HOST}/a")),
        Begin("/a", "portail", frozenset()),
        Begin("/", "portail", frozenset()),
    ]
)
def test_whatever_the_order_nobody_waits_for_a_fill_that_may_not_be_shown(
    steps: list[Begin | Told | End],
) -> None:
    async def fly() -> None:
        sky = Sky()
        for step in steps:
            await sky.take(step)
            if isinstance(step, Begin):
                of_path = [entry for entry in sky.open if entry[1].path == step.path]
                _, waited_for, heard = of_path[-1]
                assert not any(is_named(waited_for, one) for one in heard)
        while sky.open:
            await sky.take(End(0))
        assert not sky.flights.is_under_way(key("/"))

    asyncio.run(fly())
