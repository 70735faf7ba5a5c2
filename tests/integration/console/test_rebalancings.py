"""Rebalancings in the console: the form, what is kept, the page of one."""

from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.rebalancing_process import RebalancingProcess
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.rebalancing_store import RebalancingSummary
from beffroi.kernel.operations import OperationState
from beffroi.kernel.rights.model import PLATFORM
from tests.integration.capacity.rebalancing_files import FILES
from tests.integration.console.house import HOSTILE, House
from tests.integration.console.markup import Markup

PAGE_MOST_BYTES = 24 * 1024
SEARCHED_S = 0.5


async def _kept(house: House) -> RebalancingSummary:
    """Keep what a short search finds."""
    foundation, services = house.platform.foundation, house.platform.services
    hurried = RebalancingService(
        foundation.database,
        services.operations,
        PlannerProcess(),
        RebalancingProcess(SEARCHED_S),
        foundation.clock,
    )
    begun = await hurried.make_of_files(PLATFORM, HOSTILE, FILES, 3)
    ended = await house.ended(begun.id)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    (summary,) = await services.rebalancings.rebalancings(PLATFORM)
    return summary


async def test_a_rebalancing_shows_loads_moves_and_costs(house: House) -> None:
    summary = await _kept(house)
    assert (summary.moves, summary.holds) == (1, True)
    for language, relieves in (("fr", "Soulage tour-1"), ("en", "Relieves tour-1")):
        client = await house.signed_in("olga", language)
        told = (await client.get("/rebalancings")).text
        assert f'href="/rebalancings/{summary.id}"' in told
        page = await client.get(f"/rebalancings/{summary.id}")
        assert page.status_code == 200
        assert Markup(page.text).mistakes == []
        assert Markup(told).mistakes == []
        assert HOSTILE not in page.text
        assert page.text.count('<path class="without"') == 3
        assert relieves in page.text
        assert len(page.content) < PAGE_MOST_BYTES
    program = await house.signed_in("olga")
    answer = await program.get(f"/api/rebalancings/{summary.id}")
    assert answer.json()["rebalancing"]["moves"][0]["move"]["origin"] == "tour-1"


async def test_the_form_leads_to_the_operation_that_searches(house: House) -> None:
    client = await house.signed_in("olga")
    answer = await client.post(
        "/rebalancings",
        data={"title": "Parc", "most_moves": "3"},
        files=[("files", (name, content)) for name, content in FILES.items()],
    )
    assert answer.status_code == 303, answer.text
    begun = answer.headers["location"].rpartition("/")[2]
    operation = await house.platform.services.operations.get(begun, PLATFORM)
    assert (operation.verb, operation.subject) == ("capacity.rebalance", "Parc")


async def test_a_number_of_moves_that_is_none_keeps_what_was_written(house: House) -> None:
    client = await house.signed_in("olga")
    answer = await client.post(
        "/rebalancings",
        data={"title": "Parc", "most_moves": "douze"},
        files=[("files", ("plan.yaml", FILES["plan.yaml"]))],
    )
    assert answer.status_code == 422
    assert "«douze» n&#39;est pas un nombre de déplacements" in answer.text
    assert 'value="Parc"' in answer.text
    assert 'value="douze"' in answer.text
    assert Markup(answer.text).mistakes == []


async def test_a_number_of_moves_with_thousands_of_digits_is_refused_like_another(
    house: House,
) -> None:
    client = await house.signed_in("olga")
    answer = await client.post(
        "/rebalancings",
        data={"title": "Parc", "most_moves": "9" * 5000},
        files=[("files", ("plan.yaml", FILES["plan.yaml"]))],
    )
    assert answer.status_code == 422
    assert "n&#39;est pas un nombre de déplacements" in answer.text


async def test_rebalancings_are_reached_from_the_plans_by_those_who_run_the_platform(
    house: House,
) -> None:
    assert 'href="/rebalancings"' in (await (await house.signed_in("olga")).get("/plans")).text
    for name in ("gaston", "mireille"):
        client = await house.signed_in(name)
        assert (await client.get("/rebalancings")).status_code == 403
        assert (await client.get("/api/rebalancings")).status_code == 403


async def test_an_unknown_rebalancing_is_not_found(house: House) -> None:
    client = await house.signed_in("olga")
    assert (await client.get("/rebalancings/nulle-part")).status_code == 404
    assert (await client.get("/api/rebalancings/nulle-part")).status_code == 404
