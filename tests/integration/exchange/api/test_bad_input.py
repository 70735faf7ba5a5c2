"""Bad input at the door: refused with its reason, and nothing of it is kept."""

from typing import Any, Final

import pytest

from tests.integration.exchange.api.conftest import Askers
from tests.support.notification_receiver import notification_receiver
from tests.support.waiting import eventually

PARK: Final = "urn:ngsi-ld:Park:1"
BOW_TIE: Final = [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]


def park(**attributes: Any) -> dict[str, Any]:
    return {"id": PARK, "type": "Park", **attributes}


def speed(members: str) -> bytes:
    return f'{{"id": "{PARK}", "type": "Park", "speed": {{{members}}}}}'.encode()


def located(kind: str, coordinates: str) -> bytes:
    place = f'{{"type": "{kind}", "coordinates": {coordinates}}}'
    return speed(f'"type": "GeoProperty", "value": {place}')


BAD: Final = {
    "NaN": speed('"type": "Property", "value": NaN'),
    "infinity": speed('"type": "Property", "value": -Infinity'),
    "beyond floats": speed('"type": "Property", "value": 1e999'),
    "a member twice": speed('"type": "Property", "value": 1, "value": 2'),
    "an attribute twice": f'{{"id": "{PARK}", "type": "Park", "a": 1, "a": 2}}'.encode(),
    "no such day": speed('"value": 1, "observedAt": "2026-02-30T00:00:00Z"'),
    "no such month": speed('"value": 1, "observedAt": "2026-13-01T00:00:00Z"'),
    "no instant": speed('"value": 1, "observedAt": "yesterday"'),
    "no zone": speed('"value": 1, "observedAt": "2026-01-01T00:00:00"'),
    "a number for a date": speed('"value": 1, "observedAt": 1767225600'),
    "an open ring": located("Polygon", "[[[0, 0], [1, 1], [1, 0]]]"),
    "a point of one number": located("Point", "[1]"),
    "a point of words": located("Point", '["a", "b"]'),
    "a point beyond the poles": located("Point", "[0, 1e300]"),
    "half a document": b'{"id": "urn:x:1", "type": ',
    "no UTF-8": b'{"id": "\xff", "type": "Park"}',
    "nul": speed('"value": "a\\u0000b"'),
    "half a pair": speed('"value": "\\ud800"'),
    "a list": b"[1, 2]",
    "a text": b'"Park"',
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(askers: Askers, name: str) -> None:
    answer = await askers.arras.ask("POST", "entities", content=BAD[name])
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail", "remedy"} <= answer.json().keys()
    assert (await askers.arras.ask("GET", f"entities/{PARK}")).status_code == 404


async def test_in_a_batch_what_is_bad_holds_up_nothing_else(askers: Askers) -> None:
    batch = [
        park(speed={"type": "Property", "value": 1}),
        {"id": "urn:ngsi-ld:Park:2", "type": "Park", "speed": {"observedAt": "yesterday"}},
        "Park",
        7,
    ]
    for verb in ("upsert", "update", "merge", "create"):
        answer = await askers.arras.ask("POST", f"entityOperations/{verb}", batch)
        assert answer.status_code == 207, answer.text
        assert len(answer.json()["errors"]) >= 3
    assert (await askers.arras.ask("GET", f"entities/{PARK}")).status_code == 200
    assert (await askers.arras.ask("GET", "entities/urn:ngsi-ld:Park:2")).status_code == 404


async def test_a_polygon_that_crosses_itself_is_kept_and_asked_within(askers: Askers) -> None:
    zone = {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": BOW_TIE}}
    assert (await askers.arras.ask("POST", "entities", park(location=zone))).status_code == 201
    for relation in ("within", "intersects", "overlaps", "contains", "equals", "disjoint"):
        asked = f"georel={relation}&geometry=Polygon&coordinates={BOW_TIE}".replace(" ", "")
        answer = await askers.arras.ask("GET", f"entities?type=Park&{asked}")
        assert answer.status_code == 200, answer.text
        expected = [PARK] if relation in {"within", "intersects", "contains", "equals"} else []
        assert [one["id"] for one in answer.json()] == expected, relation


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/c", "http://localhost:{port}/c", "http://[::1]:{port}/c"]
)
async def test_a_context_inside_is_not_asked_and_nothing_of_it_is_told(
    askers: Askers, address: str
) -> None:
    async with notification_receiver() as inside:
        url = address.format(port=inside.origin.rpartition(":")[2])
        headers = {"Content-Type": "application/ld+json"}
        answer = await askers.arras.ask(
            "POST", "entities", park() | {"@context": url}, headers=headers
        )
        assert answer.status_code == 504, answer.text
        assert answer.json()["title"] == "exchange.address_internal"
        assert (inside.connections, inside.received) == (0, [])


async def test_a_receiver_inside_is_not_told(askers: Askers) -> None:
    async with notification_receiver() as inside:
        subscription = {
            "id": "urn:ngsi-ld:Subscription:inside",
            "type": "Subscription",
            "entities": [{"type": "Park"}],
            "notification": {"endpoint": {"uri": inside.url()}},
        }
        answer = await askers.arras.ask("POST", "subscriptions", subscription)
        if answer.status_code == 201:
            one = park(speed={"type": "Property", "value": 1})
            assert (await askers.arras.ask("POST", "entities", one)).status_code == 201
            await eventually(lambda: _failed(askers), within_s=10)
        assert inside.connections == 0


async def _failed(askers: Askers) -> bool:
    path = "subscriptions/urn:ngsi-ld:Subscription:inside"
    told = (await askers.arras.ask("GET", path)).json()["notification"]
    return bool(told.get("timesFailed"))
