"""Events of LoRaWAN network servers: ChirpStack v4 and The Things Stack v3.

Source: chirpstack-api 4.18, integration.proto and gw.proto, in JSON; The Things Stack, "Data
Formats" (thethingsindustries.com/docs/integrations/data-formats).
"""

import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from beffroi.exchange.model import Json
from beffroi.exchange.representation.json_reading import read_json
from beffroi.exchange.uplinks.declared import LorawanSource, Network
from beffroi.exchange.uplinks.message import Ignored, Reading, Undecoded, UplinkMessage
from beffroi.exchange.uplinks.wrong import OtherApplicationError, wrong_message

CHIRPSTACK_EVENTS: Final = frozenset(
    {"up", "status", "join", "ack", "txack", "log", "location", "integration"}
)


class _Location(msgspec.Struct, frozen=True):
    latitude: float = 0.0
    longitude: float = 0.0
    altitude: float = 0.0


class _Reception(msgspec.Struct, rename="camel", frozen=True):
    gateway_id: str = ""
    rssi: float = 0.0
    snr: float | None = None
    location: _Location | None = None


class _DeviceInfo(msgspec.Struct, rename="camel", frozen=True):
    dev_eui: str
    device_name: str = ""
    application_id: str = ""
    application_name: str = ""


class _ChirpstackEvent(msgspec.Struct, rename="camel", frozen=True):
    """An event; which one it is its topic or address tells, not its text."""

    device_info: _DeviceInfo
    time: datetime | None = None
    f_port: int = 0
    f_cnt: int = 0
    dr: int = 0
    data: str = ""
    object: Raw | UnsetType = UNSET
    rx_info: tuple[_Reception, ...] = ()
    margin: float | None = None
    external_power_source: bool = False
    battery_level_unavailable: bool = False
    battery_level: float | None = None


class _ApplicationIds(msgspec.Struct, frozen=True):
    application_id: str = ""


class _EndDeviceIds(msgspec.Struct, frozen=True):
    device_id: str
    application_ids: _ApplicationIds = _ApplicationIds()
    dev_eui: str = ""


class _GatewayIds(msgspec.Struct, frozen=True):
    gateway_id: str = ""
    eui: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    gateway_ids: _GatewayIds = _GatewayIds()
    rssi: float = 0.0
    channel_rssi: float | None = None
    snr: float | None = None
    location: _Location | None = None


class _Battery(msgspec.Struct, frozen=True):
    value: float = 0.0


class _ThingsUplink(msgspec.Struct, frozen=True):
    f_port: int = 0
    f_cnt: int = 0
    frm_payload: str = ""
    decoded_payload: Raw | UnsetType = UNSET
    rx_metadata: tuple[_Metadata, ...] = ()
    received_at: datetime | None = None
    last_battery_percentage: _Battery | None = None


class _ThingsEvent(msgspec.Struct, frozen=True):
    end_device_ids: _EndDeviceIds
    received_at: datetime | None = None
    uplink_message: _ThingsUplink | None = None


_CHIRPSTACK: Final = msgspec.json.Decoder(_ChirpstackEvent)
_THINGS_STACK: Final = msgspec.json.Decoder(_ThingsEvent)


def usual_topic(source: LorawanSource) -> str:
    """Return where a network server of that make publishes what devices send."""
    if source.network is Network.CHIRPSTACK:
        return "application/{application}/device/{device}/event/{event}"
    return "v3/{application}/devices/{device}/{event}"


def read_event(source: LorawanSource, message: UplinkMessage, event: str) -> Reading | Ignored:
    """Read an event.

    Args:
        source: The network, and whose devices of it.
        message: As it came.
        event: Which one; "" where the text alone tells.

    Raises:
        WrongMessageError: It is no event of that network, or of another application.
    """
    if source.network is Network.CHIRPSTACK:
        return _chirpstack(source, message, event or "up")
    return _things_stack(source, message)


def _chirpstack(source: LorawanSource, message: UplinkMessage, event: str) -> Reading | Ignored:
    if event not in CHIRPSTACK_EVENTS:
        raise wrong_message("exchange.uplink_event_unknown", event=event[:60])
    read = _decoded(_CHIRPSTACK, message.payload, source.network)
    info = read.device_info
    _refuse_other(source, (info.application_id, info.application_name))
    eui = _checked_eui(info.dev_eui)
    if event not in ("up", "status"):
        return Ignored(eui, event)
    device: dict[str, Json] = {
        "id": eui,
        "eui": eui,
        "name": info.device_name,
        "application": info.application_name or info.application_id,
    }
    at = read.time or message.at
    if event == "status":
        status = {
            "battery": None if read.battery_level_unavailable else read.battery_level,
            "margin": read.margin,
            "external_power": read.external_power_source,
        }
        return Reading(device=eui, at=at, told={"device": device, "status": status}, is_status=True)
    device |= {"port": read.f_port, "counter": read.f_cnt}
    heard = [(one.rssi, one.snr, one.gateway_id, one.location) for one in read.rx_info]
    told: dict[str, Json] = {"device": device, "radio": _radio(heard)}
    return _reading(eui, at, told, read.object, (read.data, read.f_port))


def _things_stack(source: LorawanSource, message: UplinkMessage) -> Reading | Ignored:
    read = _decoded(_THINGS_STACK, message.payload, source.network)
    ids = read.end_device_ids
    application = ids.application_ids.application_id
    _refuse_other(source, (application, application.partition("@")[0]))
    eui = _checked_eui(ids.dev_eui) if ids.dev_eui else ids.device_id
    uplink = read.uplink_message
    if uplink is None:
        return Ignored(eui, "other")
    device = {
        "id": ids.device_id,
        "eui": eui,
        "name": ids.device_id,
        "application": application,
        "port": uplink.f_port,
        "counter": uplink.f_cnt,
    }
    heard = [
        (
            one.rssi if one.channel_rssi is None else one.channel_rssi,
            one.snr,
            one.gateway_ids.gateway_id or one.gateway_ids.eui,
            one.location,
        )
        for one in uplink.rx_metadata
    ]
    told: dict[str, Json] = {"device": device, "radio": _radio(heard)}
    if uplink.last_battery_percentage is not None:
        told["status"] = {"battery": uplink.last_battery_percentage.value}
    at = uplink.received_at or read.received_at or message.at
    return _reading(eui, at, told, uplink.decoded_payload, (uplink.frm_payload, uplink.f_port))


def _reading(
    device: str,
    at: datetime,
    told: dict[str, Json],
    decoded: Raw | UnsetType,
    sent: tuple[str, int],
) -> Reading:
    data, port = sent
    if at.tzinfo is None:
        raise wrong_message("exchange.uplink_instant_unreadable", found=at.isoformat(), form="Z")
    found = UNSET if decoded is UNSET else read_json(bytes(decoded))
    if type(found) is dict:
        return Reading(device=device, at=at, told={"object": found, **told})
    try:
        payload = binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_message("exchange.uplink_not_base64", found=data[:60]) from error
    return Reading(device=device, at=at, told=told, undecoded=Undecoded(payload, port, at))


def _radio(heard: Sequence[tuple[float, float | None, str, _Location | None]]) -> Mapping[str, Any]:
    """Tell how a message was heard: by the gateway that heard it loudest, and by how many."""
    if not heard:
        return {"gateways": 0}
    rssi, snr, gateway, location = max(heard, key=lambda one: one[0])
    radio: dict[str, Any] = {"rssi": _plain(rssi), "gateway": gateway, "gateways": len(heard)}
    if snr is not None:
        radio["snr"] = _plain(snr)
    if location is not None and (location.latitude or location.longitude):
        radio["latitude"], radio["longitude"] = location.latitude, location.longitude
    return radio


def _plain(number: float) -> int | float:
    """Write a whole number without decimals, as the network wrote it."""
    return int(number) if number.is_integer() else number


def _decoded(decoder: Any, payload: bytes, network: Network) -> Any:  # noqa: ANN401 - one of two
    try:
        return decoder.decode(payload)
    except RecursionError as error:
        raise wrong_message(
            "exchange.uplink_event_unreadable", network=network, reason="depth"
        ) from error
    except (msgspec.MsgspecError, ValueError) as error:
        read_json(payload)
        raise wrong_message(
            "exchange.uplink_event_unreadable", network=network, reason=str(error)
        ) from error


def _refuse_other(source: LorawanSource, names: Sequence[str]) -> None:
    if source.application and source.application not in names:
        raise OtherApplicationError(
            "exchange.uplink_other_application", found=names[-1][:100], wanted=source.application
        )


def _checked_eui(text: str) -> str:
    try:
        read = binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        read = b""
    if len(read) != 8:
        raise wrong_message("exchange.uplink_not_an_eui", found=text[:60])
    return read.hex()
