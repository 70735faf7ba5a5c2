"""What receivers answer, entities hold and declarations say, where it is not as it should be."""

from typing import Any

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import FlowHealth
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from tests.support.flow_process import FlowProcess, buildings
from tests.support.town_subscriptions import NIMES, building, create
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver


def given(**sections: Any) -> GivenDeclarations:
    """Return a file whose entries have their keys as names."""
    named = {
        section: {name: {"name": name, **one} for name, one in entries.items()}
        for section, entries in sections.items()
    }
    return GivenDeclarations(source="flows.yaml", declared=msgspec.convert(named, ExchangeFile))


async def test_an_answer_with_nul_stops_no_counts(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    receiver.receiver.statuses["/bad"] = 500
    receiver.receiver.bodies["/bad"] = b"a\0b"
    await platform.apply({"bad": receiver.connector("/bad"), "out": receiver.connector()})
    await create(platform, building(level=1))
    await eventually(receiver.fields)
    error = await eventually(lambda: platform.failure("bad"))
    assert error.values["told"] == "a\ufffdb"
    assert (await platform.told()).state.carried == 1


async def test_a_refusal_with_nul_is_a_dead_letter(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    receiver.receiver.statuses["/hook"] = 400
    receiver.receiver.bodies["/hook"] = b"a\0b"
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=1))
    (letter,) = await eventually(platform.refused)
    assert letter.can_be_sent_again


@pytest.mark.parametrize(
    ("connector", "code"),
    [
        (
            buildings(mqtt={"host": "bus.example", "topic": "town/#"}),
            "exchange.connector_topic",
        ),
        (
            buildings(webhook={"url": "https://town:key@app.example/", "secret": "key"}),
            "exchange.connector_url_secret",
        ),
        (
            buildings(webhook={"url": "ftp://app.example/", "secret": "key"}),
            "exchange.no_url",
        ),
        (
            buildings(webhook={"url": "http://a.example/\r\nX: y", "secret": "key"}),
            "exchange.no_url",
        ),
        (
            buildings(
                table={
                    "host": "erp.example",
                    "database": "erp",
                    "user": "town",
                    "secret": "key",
                    "table": "t",
                    "key": ["nothing"],
                }
            ),
            "exchange.connector_field_unknown",
        ),
    ],
)
async def test_a_connector_posted_with_a_mistake_is_refused(
    platform: FlowProcess, connector: dict[str, Any], code: str
) -> None:
    with pytest.raises(DeclarationRefusedError) as raised:
        await platform.parts.declarations.difference(NIMES, given(connectors={"out": connector}))
    assert raised.value.code == code


async def test_a_name_in_two_sections_is_refused(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    broker = {"url": "mqtts://bus.example:8883", "topics": ["a"]}
    both = given(connectors={"same": receiver.connector()}, brokers={"same": broker})
    with pytest.raises(DeclarationRefusedError) as raised:
        await platform.parts.declarations.apply(NIMES, both)
    assert raised.value.code == "exchange.flow_named_twice"


async def test_nul_in_a_declaration_is_refused(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    with pytest.raises(BeffroiError) as raised:
        await platform.apply({"out": receiver.connector(q='name=="a\0b"')})
    assert raised.value.code == "kernel.text_not_storable"


async def test_a_name_that_came_in_and_goes_out_now_begins_anew(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    broker = {"url": "mqtts://bus.example:8883", "topics": ["a"]}
    await platform.apply({})
    await platform.parts.declarations.apply(NIMES, given(brokers={"out": broker}))
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=1))
    await eventually(receiver.fields)
    assert (await platform.told()).health is FlowHealth.CARRIES


async def test_an_entity_that_cannot_be_told_holds_up_no_other(
    platform: FlowProcess, receiver: WebhookReceiver
) -> None:
    fields = {"code": {"attribute": "id"}, "x": {"attribute": "place", "part": "longitude"}}
    await platform.apply({"out": receiver.connector() | {"fields": fields}})
    await create(platform, building(1, place={"type": "Point"}))
    await create(platform, building(2, place={"type": "Point", "coordinates": []}))
    await create(platform, building(3, place={"type": "Point", "coordinates": [4.3, 43.8]}))
    await eventually(receiver.fields)
    assert receiver.fields() == [{"code": "urn:ngsi-ld:Building:3", "x": 4.3}]
    assert {one.error.code for one in await platform.refused()} == {
        "exchange.connector_not_a_point"
    }


async def test_all_dead_letters_are_sent_again_however_many(
    platform: FlowProcess, receiver: WebhookReceiver, database: Database
) -> None:
    await platform.apply({"out": receiver.connector()})
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into exchange.flow_refused (organisation, name, code, facts, told, content) "
            "select 'nimes', 'out', 'exchange.connector_refused', '{}', '', jsonb_build_object("
            "'seq', n, 'at', '2026-01-01T00:00:00Z', 'id', 'urn:a:b', 'deleted', false, "
            "'row', '{}'::jsonb) from generate_series(1, 1003) n",
            (),
        )
    assert await platform.parts.flows.send_again(NIMES, "nimes", "out") == 1003
    await eventually(lambda: len(receiver.changes()) == 1003, within_s=20)
