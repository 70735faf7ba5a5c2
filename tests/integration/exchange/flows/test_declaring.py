"""Flows as files declare them: added, changed, ended, and seen by their organisation alone."""

import asyncio

import pytest

from beffroi.exchange.flows.errors import FlowNameTakenError, FlowUnknownError
from beffroi.exchange.flows.model import ChangeKind, FlowHealth
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import Secret
from tests.support.flow_process import SECRET, FlowProcess
from tests.support.town_subscriptions import ALES, NIMES, OPERATOR, building, create
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver

READER = Actor("lectrice", Role.MEMBER, "nimes")


async def test_a_file_applied_again_adds_changes_and_ends(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply(
        {"kept": receiver.connector(), "gone": receiver.connector(), "same": receiver.connector()}
    )
    other = receiver.connector("/other", q="level>1")
    changes = await platform.apply(
        {"kept": other, "new": receiver.connector(), "same": receiver.connector()}
    )
    assert [(one.kind, one.name, one.fields) for one in changes] == [
        (ChangeKind.CHANGED, "kept", ("q", "webhook.url")),
        (ChangeKind.ADDED, "new", ()),
        (ChangeKind.ENDED, "gone", ()),
    ]
    listed = await platform.parts.flows.listed(NIMES)
    assert [one.flow.name for one in listed] == ["kept", "new", "same"]
    assert (
        await platform.apply(
            {"kept": other, "new": receiver.connector(), "same": receiver.connector()}
        )
        == []
    )


async def test_the_order_of_fields_is_kept_and_is_a_change(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    fields = {"zebra": {"attribute": "id"}, "ant": {"attribute": "level"}}
    await platform.apply({"out": receiver.connector() | {"fields": fields}})
    await create(platform, building(level=1))
    await eventually(receiver.fields)
    assert list(receiver.fields()[0]) == ["zebra", "ant"]
    turned = dict(reversed(fields.items()))
    (change,) = await platform.apply({"out": receiver.connector() | {"fields": turned}})
    assert change.fields == ("fields",)


async def test_a_name_is_one_files(platform: FlowProcess, receiver: WebhookReceiver) -> None:
    await platform.apply({"out": receiver.connector()})
    with pytest.raises(FlowNameTakenError) as raised:
        await platform.apply({"out": receiver.connector()}, source="others.yaml")
    assert raised.value.values == {"name": "out", "source": "flows.yaml"}


async def test_a_name_is_one_files_when_two_are_applied_at_once(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply({})
    outcomes = await asyncio.gather(
        *(platform.apply({"out": receiver.connector()}, source=f"{n}.yaml") for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, FlowNameTakenError) for one in outcomes) == 3


async def test_flows_are_their_organisations_and_changed_by_who_may_write(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await platform.apply({"out": receiver.connector()})
    flows = platform.parts.flows
    assert [one.flow.name for one in await flows.listed(READER)] == ["out"]
    assert [one.flow.name for one in await flows.listed(OPERATOR)] == ["out"]
    assert await flows.listed(ALES) == []
    with pytest.raises(FlowUnknownError):
        await flows.one(ALES, "nimes", "out")
    with pytest.raises(FlowUnknownError):
        await flows.refused(ALES, "nimes", "out")
    since = (await flows.one(NIMES, "nimes", "out")).flow.changed_at
    for verb in (flows.pause, flows.resume, flows.remove, flows.send_again):
        for actor in (READER, ALES):
            with pytest.raises(ForbiddenError):
                await verb(actor, "nimes", "out")
    with pytest.raises(ForbiddenError):
        await flows.replay(ALES, "nimes", "out", since)
    with pytest.raises(ForbiddenError):
        await platform.parts.vault.put(ALES, "nimes", "key", SECRET)
    await flows.remove(NIMES, "nimes", "out")
    assert await flows.listed(OPERATOR) == []


async def test_a_secret_is_sealed_and_a_flow_without_it_begins_once_it_is_set(
    platform: FlowProcess, receiver: WebhookReceiver, database: Database
) -> None:
    hook = {"url": receiver.url(), "secret": "later"}
    await platform.apply({"out": receiver.connector() | {"webhook": hook}})
    await create(platform, building(level=1))
    error = await eventually(platform.failure)
    assert error.code == "exchange.flow_secret_unset"
    await platform.parts.vault.put(NIMES, "nimes", "later", Secret("whispered at noon"))
    await eventually(receiver.fields)
    assert (await platform.told()).health is FlowHealth.CARRIES
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(connection, "select name, sealed from exchange.secret")
    assert sorted(name for name, _ in rows) == ["key", "later"]
    assert all(b"whispered" not in bytes(sealed) for _, sealed in rows)


async def test_changes_from_before_a_flow_was_declared_do_not_go_out(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    await create(platform, building(1, level=1))
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(2, level=2))
    await eventually(receiver.fields)
    assert [one["floors"] for one in receiver.fields()] == [2]
