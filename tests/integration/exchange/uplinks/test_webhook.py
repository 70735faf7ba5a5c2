"""LoRaWAN networks knock at the door by HTTP."""

import base64
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tests.integration.exchange.uplinks.conftest import Town

EUI: Final = "24e124710b422527"
DEVICE: Final = f"urn:ngsi-ld:Device:{EUI}"
AIR: Final[dict[str, Any]] = {
    "lorawan": {"network": "chirpstack", "application": "air"},
    "codec": {"kind": "javascript", "file": "codecs/vendor.js"},
    "id": "urn:ngsi-ld:Device:{device}",
    "type": "Device",
    "attributes": {
        "co2": {"field": "object.co2", "unit": "59", "measured": True},
        "rssi": {"field": "radio.rssi", "measured": True},
    },
}
VENDOR: Final = b"""
function decodeUplink(input) {
  if (input.fPort !== 5) { return {errors: ["unknown port " + input.fPort]}; }
  return {data: {co2: input.bytes[0] << 8 | input.bytes[1]}};
}"""


def _event(payload: bytes = b"\x02\x0c", port: int = 5, **more: Any) -> bytes:
    return msgspec.json.encode(
        {
            "time": "2026-11-22T10:00:00Z",
            "deviceInfo": {"devEui": EUI, "applicationName": "air", "deviceName": "school-12"},
            "fPort": port,
            "data": base64.b64encode(payload).decode(),
            "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -97, "snr": 3.5}],
            **more,
        }
    )


async def test_an_uplink_is_answered_once_it_is_committed(town: Town) -> None:
    await town.declare({"codecs/vendor.js": VENDOR}, air=AIR)
    answer = await town.posted("air?event=up", _event())
    assert (answer.status_code, answer.content) == (204, b"")
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert await town.held(DEVICE) == {"co2": (524, at), "rssi": (-97, at)}


async def test_the_devices_of_an_uplink_are_known_with_battery_and_radio(town: Town) -> None:
    await town.declare({"codecs/vendor.js": VENDOR}, air=AIR)
    await town.posted("air?event=up", _event())
    await town.posted("air?event=join", _event())
    assert (await town.posted("air?event=status", _event(batteryLevel=71))).status_code == 204
    (device,) = await town.devices("air")
    told = (device.device, device.entity, device.received, device.ignored)
    assert told == (EUI, DEVICE, 2, 1)
    assert (device.battery, device.rssi, device.snr, device.gateways) == (71, -97, 3.5, 1)
    assert (await town.held(DEVICE))["batteryLevel"][0] == 0.71


async def test_what_is_wrong_is_answered_clearly_and_kept(town: Town) -> None:
    await town.declare({"codecs/vendor.js": VENDOR}, air=AIR)
    refused = await town.posted("air?event=up", _event(port=9))
    assert refused.status_code == 422
    assert refused.json()["title"] == "exchange.codec_refused"
    assert "unknown port 9" in refused.json()["detail"]
    for content, status in ((b"{", 422), (b"\x0a\x24", 422), (b"x" * 1_100_000, 413)):
        assert (await town.posted("air?event=up", content)).status_code == status
    assert (await town.posted("air?event=sing", _event())).status_code == 422
    kept = await town.refused("air")
    assert [one.error.code for one in kept] == [
        "exchange.uplink_event_unknown",
        "exchange.json_broken",
        "exchange.json_broken",
        "exchange.codec_refused",
    ]


async def test_who_may_not_write_there_is_sent_away(town: Town) -> None:
    await town.declare({"codecs/vendor.js": VENDOR}, air=AIR)
    assert (await town.posted("air", _event(), token="wrong")).status_code == 401
    assert (await town.posted("air", _event(), organisation="lens")).status_code == 403
    assert (await town.posted("water", _event())).status_code == 404
    assert await town.devices("air") == []


async def test_a_plain_device_names_itself_in_the_address(town: Town) -> None:
    bins: dict[str, Any] = {
        "topic": "bins/{device}",
        "id": "urn:ngsi-ld:Bin:{device}",
        "type": "WasteContainer",
        "attributes": {"fillingLevel": {"field": "object.level", "measured": True}},
    }
    await town.declare(bins=bins)
    assert (await town.posted("bins?device=7", b'{"level": 0.5}')).status_code == 204
    assert (await town.held("urn:ngsi-ld:Bin:7"))["fillingLevel"][0] == 0.5
    nameless = await town.posted("bins", b'{"level": 0.5}')
    assert nameless.json()["title"] == "exchange.uplink_id_empty"
