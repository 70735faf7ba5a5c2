"""What the platform decides by itself about applications that nobody uses."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from beffroi.hosting import store
from beffroi.hosting.environments import SOCKET
from beffroi.hosting.model import Act, Rest
from beffroi.hosting.resting import WakeState
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.processes.model import MemoryReading
from beffroi.territory.model import Application, HealthCheck, Hibernation
from tests.integration.hosting.stage import ASIDE, OPERATOR, Sources, Stage
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually, scaled

FIVE_MINUTES_THEN_AN_HOUR = Hibernation(freeze_after_s=300, sleep_after_s=3600)
SHORT = MemoryReading(total_bytes=100, available_bytes=9)


def resting(sources: Sources, name: str, rules: Hibernation) -> Application:
    return sources.serving(name, hibernation=rules)


async def acts(stage: Stage, name: str) -> list[Act]:
    return [step.act for step in await stage.next_steps(name)]


async def decide(stage: Stage, name: str, rest: Rest) -> None:
    """Commit a decision whose deed is left undone, as a kill between the two leaves it."""
    async with stage.database.transaction(EVERYTHING) as connection:
        await store.set_rest(connection, name, rest)


async def test_what_nobody_uses_is_frozen_and_later_put_to_sleep(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = resting(sources, "unused", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    clock.move(299)
    assert await acts(held, "unused") == []
    clock.move(2)
    assert await held.settle("unused") == [
        "freeze: instance unused.1 was frozen until somebody needs it"
    ]
    clock.move(3298)
    assert await acts(held, "unused") == []
    clock.move(2)
    assert await held.settle("unused") == [
        "sleep: instance unused.1 was put to sleep until somebody needs it"
    ]
    clock.move(100_000)
    assert await acts(held, "unused") == []
    assert (await held.deployer.resting.wake("unused")).state is WakeState.AWAKE
    assert await acts(held, "unused") == []
    assert await held.page(application) == "one"


async def test_a_visit_a_connection_and_a_wake_count_as_use(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = resting(sources, "used", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    clock.move(500)
    held.visits.last["used"] = clock.now() - timedelta(seconds=10)
    assert await acts(held, "used") == []
    clock.move(280)
    held.visits.last["used"] = clock.now() + timedelta(days=1)
    assert await acts(held, "used") == []
    held.visits.last["used"] = clock.now() - timedelta(days=1)
    assert await acts(held, "used") == [Act.FREEZE]
    visit = asyncio.create_task(held.get(application, "/slow?s=1"))

    async def in_use() -> bool:
        return await acts(held, "used") == []

    await eventually(in_use)
    assert (await visit).status_code == 200
    assert await acts(held, "used") == []
    clock.move(301)
    assert await acts(held, "used") == [Act.FREEZE]
    await held.settle("used")
    clock.move(200)
    await held.deployer.resting.wake("used")
    clock.move(200)
    assert await acts(held, "used") == []


async def test_what_came_into_use_since_it_was_looked_at_stays_awake(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = resting(sources, "just-used", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    clock.move(301)
    (step,) = await held.next_steps("just-used")
    visit = asyncio.create_task(held.get(application, f"/slow?s={scaled(4)}"))
    await eventually(lambda: held.runtime.open_connections("just-used.1", SOCKET))
    assert await held.controller.apply(step) == (
        "not put to rest: Application «just-used» is in use now."
    )
    assert (await visit).status_code == 200
    assert await acts(held, "just-used") == []
    assert await held.page(application) == "one"


async def test_a_frozen_application_is_not_asked_whether_it_is_well(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    await held.deploy(resting(sources, "unasked", Hibernation(freeze_after_s=10, sleep_after_s=0)))
    clock.move(11)
    await held.settle("unasked")
    for _ in range(5):
        clock.move(26)
        assert await acts(held, "unasked") == []
    assert held.runtime.is_frozen("unasked.1")


async def test_one_that_never_rests_stays_awake(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    await held.deploy(resting(sources, "always", Hibernation(freeze_after_s=0, sleep_after_s=0)))
    held.controller.read_memory = lambda: SHORT
    clock.move(1_000_000)
    assert await acts(held, "always") == []


async def test_where_memory_is_short_the_idlest_sleeps_first(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    for name in ("idlest", "idle", "recent"):
        await held.deploy(resting(sources, name, FIVE_MINUTES_THEN_AN_HOUR))
        clock.move(25)
    held.controller.read_memory = lambda: SHORT
    assert await acts(held, "idlest") == [Act.SLEEP]
    assert await acts(held, "idle") == await acts(held, "recent") == []
    await held.settle("idlest")
    assert await acts(held, "idle") == [Act.SLEEP]
    await held.settle("idle")
    assert await acts(held, "recent") == []
    held.controller.read_memory = lambda: MemoryReading(100, 50)
    clock.move(100)
    assert await acts(held, "recent") == []


async def test_an_application_asleep_stays_so_when_the_platform_starts_again(
    held: Stage, sources: Sources
) -> None:
    application = resting(sources, "lasting", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    await held.deployer.resting.sleep("lasting")
    held.traffic.folders.clear()
    await held.deployer.settle_interrupted()
    assert held.traffic.folders["lasting"] == ASIDE
    assert await held.settle("lasting") == []
    assert held.units(application) == []
    assert not await held.deployer.source_changed(application)


async def test_what_was_frozen_when_the_platform_ended_sleeps_when_it_starts_again(
    held: Stage, sources: Sources
) -> None:
    application = resting(sources, "ended", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    await held.deployer.resting.freeze("ended")
    await held.deployer.stop_all()
    assert held.units(application) == []
    await held.deployer.settle_interrupted()
    assert [told.partition(":")[0] for told in await held.settle("ended")] == ["sleep"]
    await held.deployer.resting.wake("ended")
    assert await held.page(application) == "one"


@pytest.mark.parametrize(
    ("decided", "done", "expected"),
    [(Rest.ASLEEP, False, "reap"), (Rest.FROZEN, False, "wake"), (Rest.AWAKE, True, "wake")],
)
async def test_a_kill_between_a_decision_and_its_deed_is_made_good(
    held: Stage, sources: Sources, decided: Rest, *, done: bool, expected: str
) -> None:
    application = resting(sources, f"half-{decided}", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    await decide(held, application.name, decided)
    if done:
        await held.runtime.freeze(f"{application.name}.1")
    await held.deployer.settle_interrupted()
    assert (held.traffic.folders[application.name] == ASIDE) is (decided is not Rest.AWAKE)
    told = await held.settle(application.name)
    assert [one.partition(":")[0] for one in told] == [expected]
    await held.deployer.resting.wake(application.name)
    assert await held.page(application) == "one"
    assert await held.settle(application.name) == []


async def test_a_kill_before_the_decision_leads_the_visitors_back(
    held: Stage, sources: Sources
) -> None:
    application = resting(sources, "undecided", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    held.traffic.rest("undecided")
    await held.deployer.settle_interrupted()
    assert await held.page(application) == "one"


async def test_a_frozen_instance_that_ends_sleeps_or_starts_again_where_it_may_not(
    held: Stage, sources: Sources
) -> None:
    for sleep_after_s, act in ((3600, Act.SLEEP), (0, Act.RESTART)):
        rules = Hibernation(freeze_after_s=300, sleep_after_s=sleep_after_s)
        name = f"ends-{sleep_after_s}"
        application = resting(sources, name, rules)
        await held.deploy(application)
        await held.deployer.resting.freeze(name)
        await held.runtime.stop(f"{name}.1", 0)
        assert await acts(held, name) == [act]
        await held.settle(name)
        await held.deployer.resting.wake(name)
        assert await held.page(application) == "one"
        assert await held.settle(name) == []


async def test_a_changed_declaration_is_deployed_while_it_rests(
    held: Stage, sources: Sources
) -> None:
    application = resting(sources, "declared-anew", FIVE_MINUTES_THEN_AN_HOUR)
    await held.deploy(application)
    await held.deployer.resting.sleep("declared-anew")
    changed = msgspec.structs.replace(application, health=HealthCheck(within_s=int(scaled(30))))
    held.declare(changed)
    assert await acts(held, "declared-anew") == [Act.DEPLOY]
    await held.settle("declared-anew")
    assert await held.page(application) == "one"
    assert (await held.hosting.application(OPERATOR, "declared-anew")).state == "serving"
