"""Events of LoRaWAN networks, as ChirpStack v4 and The Things Stack v3 write them."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.exchange.uplinks.mapping import Measures, UplinkMapping
from beffroi.exchange.uplinks.message import Ignored, UplinkMessage
from beffroi.exchange.uplinks.reading import UplinkReader, topic_of
from beffroi.exchange.uplinks.topics import TopicTable
from beffroi.exchange.uplinks.wrong import WrongMessageError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EUI = "24e124710b422527"
# After the field names of chirpstack-api 4, integration.proto, and its JSON mapping.
CHIRPSTACK: dict[str, Any] = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-11-22T11:59:58.775023242+00:00",
    "deviceInfo": {
        "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
        "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97",
        "applicationName": "air",
        "deviceName": "school-12",
        "devEui": EUI.upper(),
        "tags": {"room": "12"},
    },
    "devAddr": "00189440",
    "adr": True,
    "dr": 1,
    "fCnt": 4,
    "fPort": 85,
    "confirmed": False,
    "data": base64.b64encode(bytes.fromhex("0167011002687B")).decode(),
    "rxInfo": [
        {"gatewayId": "0016c001f153a14c", "uplinkId": 4, "rssi": -97, "snr": 3.5},
        {
            "gatewayId": "0016c001f153a14d",
            "rssi": -48,
            "snr": 9,
            "location": {"latitude": 43.83, "longitude": 4.36, "altitude": 51},
        },
    ],
    "txInfo": {"frequency": 868100000},
}
# After "Data Formats" of The Things Stack's documentation.
THINGS_STACK: dict[str, Any] = {
    "end_device_ids": {
        "device_id": "school-12",
        "application_ids": {"application_id": "air"},
        "dev_eui": EUI.upper(),
        "join_eui": "800000000000000C",
        "dev_addr": "00BCB929",
    },
    "received_at": "2026-11-22T11:59:59.5Z",
    "uplink_message": {
        "f_port": 85,
        "f_cnt": 4,
        "frm_payload": CHIRPSTACK["data"],
        "rx_metadata": [
            {
                "gateway_ids": {"gateway_id": "roof", "eui": "9C5C8E00001A05C4"},
                "rssi": -48,
                "channel_rssi": -48,
                "snr": 9,
                "location": {"latitude": 43.83, "longitude": 4.36, "source": "SOURCE_REGISTRY"},
            },
            {"gateway_ids": {"gateway_id": "cellar"}, "rssi": -97, "snr": 3.5},
        ],
        "received_at": "2026-11-22T11:59:58.775023242Z",
        "last_battery_percentage": {"f_cnt": 3, "value": 91.5},
    },
}
AIR: dict[str, Any] = {
    "name": "air",
    "lorawan": {"network": "chirpstack", "application": "air"},
    "codec": {"kind": "cayenne-lpp"},
    "id": "urn:ngsi-ld:Device:{device}",
    "type": "Device",
    "attributes": {
        "temperature": {"field": "object.temperature_1", "unit": "CEL", "measured": True},
        "rssi": {"field": "radio.rssi", "measured": True},
        "heardBy": {"field": "radio.gateways"},
        "location": {"longitude": "radio.longitude", "latitude": "radio.latitude"},
        "deviceName": {"field": "device.name"},
        "port": {"field": "device.port"},
    },
}
CHIRPSTACK_TOPIC = f"application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{EUI}/event/up"
THINGS_TOPIC = "v3/air@town/devices/school-12/up"


def _taken(
    event: Any, topic: str = CHIRPSTACK_TOPIC, network: str = "chirpstack", **other: Any
) -> Measures | Ignored:
    lorawan = {"network": network, "application": "air"}
    uplink = msgspec.convert({**AIR, "lorawan": lorawan, **other}, Uplink)
    payload = event if isinstance(event, bytes) else msgspec.json.encode(event)
    message = UplinkMessage(topic, payload, NOW)
    pattern = topic_of(uplink)
    assert pattern is not None
    found = TopicTable([(pattern, uplink)]).found(topic)
    assert found is not None
    reading = UplinkReader(uplink).read(message, found[1])
    if isinstance(reading, Ignored):
        return reading
    return UplinkMapping(uplink, CORE).mapped(reading, NOW)


def _values(measures: Measures | Ignored) -> dict[str, Any]:
    assert isinstance(measures, Measures)
    return {iri.rpartition("/")[2]: one.value for iri, one in measures.attributes}


HEARD = {
    "temperature": 27.2,
    "rssi": -48,
    "heardBy": 2,
    "location": {"type": "Point", "coordinates": [4.36, 43.83]},
    "deviceName": "school-12",
    "port": 85,
}


def test_an_uplink_of_chirpstack_tells_measures_and_how_they_were_heard() -> None:
    found = _taken(CHIRPSTACK)
    assert _values(found) == HEARD
    assert isinstance(found, Measures)
    assert found.id == f"urn:ngsi-ld:Device:{EUI}"
    assert found.at == datetime(2026, 11, 22, 11, 59, 58, 775023, tzinfo=UTC)


def test_an_uplink_of_the_things_stack_tells_the_same_and_the_battery() -> None:
    found = _taken(THINGS_STACK, THINGS_TOPIC, "things-stack")
    assert _values(found) == {**HEARD, "batteryLevel": 0.915}
    assert isinstance(found, Measures)
    assert found.id == f"urn:ngsi-ld:Device:{EUI}"
    assert found.at == datetime(2026, 11, 22, 11, 59, 58, 775023, tzinfo=UTC)


def test_what_the_network_decoded_comes_before_the_codec() -> None:
    decoded = {"temperature_1": 3}
    assert _values(_taken({**CHIRPSTACK, "object": decoded}))["temperature"] == 3
    message = {**THINGS_STACK["uplink_message"], "decoded_payload": decoded}
    event = {**THINGS_STACK, "uplink_message": message}
    assert _values(_taken(event, THINGS_TOPIC, "things-stack"))["temperature"] == 3


def test_a_status_of_chirpstack_tells_battery_and_margin() -> None:
    status = {
        "time": CHIRPSTACK["time"],
        "deviceInfo": CHIRPSTACK["deviceInfo"],
        "margin": 10,
        "externalPowerSource": False,
        "batteryLevelUnavailable": False,
        "batteryLevel": 99.6,
    }
    topic = CHIRPSTACK_TOPIC.replace("event/up", "event/status")
    assert _values(_taken(status, topic)) == {
        "deviceName": "school-12",
        "batteryLevel": 0.996,
        "linkMargin": 10,
    }
    unknown = {**status, "batteryLevelUnavailable": True}
    assert _values(_taken(unknown, topic)) == {"deviceName": "school-12", "linkMargin": 10}


@pytest.mark.parametrize("event", ["join", "ack", "txack", "log", "location", "integration"])
def test_other_events_of_chirpstack_are_ignored(event: str) -> None:
    told = {"deviceInfo": CHIRPSTACK["deviceInfo"], "level": "ERROR", "code": "OTAA"}
    topic = CHIRPSTACK_TOPIC.replace("event/up", f"event/{event}")
    assert _taken(told, topic) == Ignored(EUI, event)


def test_a_join_of_the_things_stack_is_ignored() -> None:
    join = {"end_device_ids": THINGS_STACK["end_device_ids"], "join_accept": {"session_key_id": ""}}
    assert _taken(join, THINGS_TOPIC.replace("/up", "/join"), "things-stack") == Ignored(
        EUI, "other"
    )


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"", "json_broken"),
        (b"[" * 10_000, "json_too_deep"),
        (b"[" * 10_000 + b"]" * 10_000, "json_too_deep"),
        (b"\x0a\x24\x01", "json_broken"),
        ({}, "uplink_event_unreadable"),
        ({**CHIRPSTACK, "fPort": "85"}, "uplink_event_unreadable"),
        ({**CHIRPSTACK, "data": "AWc!"}, "uplink_not_base64"),
        ({**CHIRPSTACK, "data": "AWcBEAJo"}, "uplink_payload_short"),
        ({**CHIRPSTACK, "time": "2026-11-22T11:59:58"}, "uplink_instant_unreadable"),
        ({**CHIRPSTACK, "object": {"a": [[1]]}}, "uplink_tells_nothing"),
        (
            {**CHIRPSTACK, "deviceInfo": {**CHIRPSTACK["deviceInfo"], "devEui": "../x"}},
            "uplink_not_an_eui",
        ),
        (
            {**CHIRPSTACK, "deviceInfo": {"devEui": EUI, "applicationName": "water"}},
            "uplink_other_application",
        ),
    ],
)
def test_what_is_no_event_is_refused(wrong: Any, code: str) -> None:
    measured = {"temperature": AIR["attributes"]["temperature"]}
    with pytest.raises(WrongMessageError) as caught:
        _taken(wrong, attributes=measured)
    assert caught.value.code == f"exchange.{code}"
    assert str(caught.value)


def test_a_gateway_that_heard_at_0_dbm_leaves_the_number_out() -> None:
    radio = {"signal": {"field": "radio.rssi"}}
    found = _taken({**CHIRPSTACK, "rxInfo": [{"gatewayId": "roof"}]}, attributes=radio)
    assert isinstance(found, Measures)
    ((_, signal),) = found.attributes
    assert signal.value == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(CHIRPSTACK)), JSON)
def test_any_member_may_be_anything_and_is_read_or_refused(name: str, value: Any) -> None:
    told = ""
    found: Measures | Ignored | None = None
    try:
        found = _taken({**CHIRPSTACK, name: value})
    except WrongMessageError as error:
        told = str(error)
    assert told or isinstance(found, Measures)
