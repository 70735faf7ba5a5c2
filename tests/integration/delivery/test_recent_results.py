"""Results are computed once in ten minutes, and told to those alone who may read them."""

from datetime import timedelta

import pytest

from beffroi.delivery import result_store
from beffroi.delivery.recent_results import RecentResults
from beffroi.delivery.result_store import CountedVisits
from beffroi.delivery.results_service import ResultsService
from beffroi.delivery.visit_log import Cursor
from beffroi.delivery.visits import Slot, VisitCounts
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.delivery.stage import HeldTerritory
from tests.integration.delivery.visit_counter import DECLARED
from tests.support.clocks import ManualClock
from tests.unit.delivery import slot_figures
from tests.unit.delivery.visit_lines import NOON

NAME, OWNER = next((name, one.organisation) for name, one in DECLARED.applications.items())
AGENT = Actor("agent", Role.MEMBER, OWNER)
STRANGER = Actor("stranger", Role.MEMBER, "elsewhere")


@pytest.fixture
def results(database: Database) -> ResultsService:
    held = HeldTerritory()
    held.held = DECLARED
    return ResultsService(database, held, slot_figures.HOST)


async def _visit(database: Database, before: Cursor | None, after: Cursor) -> None:
    counts = {Slot(NAME, NOON): VisitCounts(requests=3, pages=3)}
    counted = CountedVisits(before, after, counts, {}, {NAME: OWNER})
    async with database.transaction(EVERYTHING) as connection:
        await result_store.keep_visits(connection, "visits", counted)


async def test_ten_minutes_later_results_are_computed_anew(
    database: Database, results: ResultsService
) -> None:
    clock = ManualClock(NOON + timedelta(hours=1))
    recent = RecentResults(clock)
    await _visit(database, None, Cursor(1, 1, "a"))
    assert (await recent.organisation(results, AGENT, OWNER)).results.counts.pages == 3
    await _visit(database, Cursor(1, 1, "a"), Cursor(1, 2, "b"))
    clock.move(599)
    assert (await recent.organisation(results, AGENT, OWNER)).results.counts.pages == 3
    assert (await recent.site(results, AGENT, NAME)).results.counts.pages == 3
    clock.move(1)
    assert (await recent.site(results, AGENT, NAME)).results.counts.pages == 6
    assert (await recent.organisation(results, AGENT, OWNER)).results.counts.pages == 6


async def test_what_one_may_read_is_kept_for_no_other(results: ResultsService) -> None:
    recent = RecentResults(ManualClock(NOON))
    await recent.organisation(results, AGENT, OWNER)
    with pytest.raises(NotFoundError):
        await recent.organisation(results, STRANGER, OWNER)
    with pytest.raises(NotFoundError):
        await recent.site(results, STRANGER, NAME)
