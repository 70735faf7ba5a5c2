"""What a connector posts to a receiver, and what it does with one that fails."""

from functools import partial

from beffroi.exchange.connectors.signature import is_signed
from beffroi.exchange.flows.model import FlowHealth
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.secrets import Secret
from tests.support.flow_process import SECRET, FlowProcess, buildings, flow_process
from tests.support.town_subscriptions import ALES, NIMES, building, create, delete, update
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver

B1 = "urn:ngsi-ld:Building:1"


async def test_changes_come_in_the_receivers_words_in_order_and_signed(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=1, name="Mairie"))
    for level in range(2, 12):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(receiver.fields()) == 11)
    assert receiver.fields()[0] == {"code": B1, "floors": 1, "label": "Mairie"}
    assert [one["floors"] for one in receiver.fields()] == list(range(1, 12))
    header, body = receiver.raw()
    now_s = SystemClock().now().timestamp()
    assert is_signed(SECRET, body, header, now_s)
    assert not is_signed(Secret("another"), body, header, now_s)
    told = await platform.told()
    assert (told.health, told.state.carried, told.state.refused) == (FlowHealth.CARRIES, 11, 0)
    assert sum(one.carried for one in told.minutes) == 11


async def test_only_what_is_selected_of_the_own_organisation_goes_out(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply(
        {"out": receiver.connector(q="level>5", watched=["level"], deletions=True)}
    )
    await create(platform, building(1, level=3, name="Mairie"))
    await update(platform, B1, {"level": 6})
    await update(platform, B1, {"name": "Hôtel de ville"})
    await create(platform, building(2, level=9), ALES)
    await delete(platform, B1)
    await eventually(lambda: len(receiver.changes()) == 2)
    told = [(one["fields"]["floors"], one["deleted"]) for one in receiver.changes()]
    assert told == [(6, False), (6, True)]


async def test_a_receiver_that_hangs_delays_nobody(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    receiver.receiver.hanging.add("/hang")
    await platform.apply({"stuck": receiver.connector("/hang"), "out": receiver.connector()})
    for number in range(20):
        await create(platform, building(number, level=number))
    await eventually(lambda: len(receiver.fields()) == 20, within_s=8)
    assert not receiver.fields("/hang")


async def test_a_receiver_that_fails_is_asked_again_and_gets_all_in_order(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    receiver.receiver.statuses["/hook"] = 500
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=0))
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_status"
    assert error.values["told"] == "Internal Server Error"
    for level in range(1, 6):
        await update(platform, B1, {"level": level})
    del receiver.receiver.statuses["/hook"]
    await eventually(lambda: len(receiver.fields()) == 6)
    assert [one["floors"] for one in receiver.fields()] == list(range(6))
    told = await platform.told()
    assert (told.health, told.state.refused) == (FlowHealth.CARRIES, 0)


async def test_a_redirect_is_not_followed(platform: FlowProcess, receiver: WebhookReceiver) -> None:
    receiver.receiver.statuses["/moved"] = 302
    await platform.apply({"out": receiver.connector("/moved")})
    await create(platform, building(level=0))
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_redirected"
    assert not receiver.receiver.received


async def test_the_platforms_own_network_is_not_reached(
    database: Database, receiver: WebhookReceiver
) -> None:
    table = {"host": "localhost", "database": "d", "user": "u", "secret": "key", "table": "t"}
    drop = {"host": "localhost", "user": "u", "secret": "key", "host_key": "ssh-ed25519 AAAA"}
    async with flow_process(database, allow_internal=False) as platform:
        await platform.apply(
            {
                "hook": receiver.connector(),
                "table": buildings(table={**table, "key": ["code"]}),
                "drop": buildings(sftp=drop),
                "broker": buildings(mqtt={"host": "localhost", "topic": "t/{code}"}),
            }
        )
        await create(platform, building(level=0))
        for name in ("hook", "table", "drop", "broker"):
            error = await eventually(partial(platform.failure, name))
            assert error.code == "exchange.address_internal", name
    assert not receiver.receiver.received


async def test_what_a_receiver_refuses_is_a_dead_letter_that_can_be_sent_again(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    receiver.receiver.statuses["/hook"] = 400
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=7))
    await eventually(platform.refused)
    del receiver.receiver.statuses["/hook"]
    await update(platform, B1, {"level": 8})
    await eventually(receiver.fields)
    (letter,) = await platform.refused()
    assert letter.error.code == "exchange.connector_refused"
    assert '"floors":7' in letter.told
    assert letter.can_be_sent_again
    assert await platform.parts.flows.send_again(NIMES, "nimes", "out") == 1
    await eventually(lambda: len(receiver.fields()) == 2)
    assert [one["floors"] for one in receiver.fields()] == [8, 7]
    newer, older = (int(one.headers["beffroi-position"]) for one in receiver.receiver.received)
    assert older < newer
    assert not await platform.refused()


async def test_an_entity_that_cannot_be_told_holds_up_no_other(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    fields = {"floors": {"attribute": "level", "unit": "FAH", "unit_held": "CEL"}}
    await platform.apply({"out": receiver.connector() | {"fields": fields}})
    await create(platform, building(1, level="many"))
    await create(platform, building(2, level=20))
    await eventually(receiver.fields)
    assert receiver.fields() == [{"floors": 68.0}]
    (refused,) = await platform.refused()
    assert refused.error.code == "exchange.connector_not_a_number"
    assert not refused.can_be_sent_again


async def test_a_time_can_be_carried_again(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=0))
    await eventually(lambda: len(receiver.fields()) == 1)
    since = SystemClock().now()
    for level in (1, 2):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(receiver.fields()) == 3)
    await platform.parts.flows.replay(NIMES, "nimes", "out", since)
    await eventually(lambda: len(receiver.fields()) == 5)
    assert [one["floors"] for one in receiver.fields()] == [0, 1, 2, 1, 2]
    positions = [one["position"] for one in receiver.changes()]
    assert positions[1:3] == positions[3:5]


async def test_a_pause_holds_back_and_loses_nothing(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply({"out": receiver.connector()})
    await platform.parts.flows.pause(NIMES, "nimes", "out")
    await create(platform, building(level=0))
    assert (await platform.told()).health is FlowHealth.PAUSED
    await platform.parts.flows.resume(NIMES, "nimes", "out")
    await update(platform, B1, {"level": 1})
    await eventually(lambda: len(receiver.fields()) == 2)
    assert [one["floors"] for one in receiver.fields()] == [0, 1]
