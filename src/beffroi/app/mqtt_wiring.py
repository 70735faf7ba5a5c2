"""The MQTT door of the platform, with its certificate, in each process that opens it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.settings import Settings
from beffroi.delivery.service import DeliveryService
from beffroi.exchange.api.askers import Askers
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.mqtt.listener import MqttAddresses, MqttDoor
from beffroi.exchange.mqtt.peers import Peers
from beffroi.kernel.places import Places
from beffroi.kernel.rights.service import Rights


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a further process listens; attributes as those of ``MqttAddresses``."""

    port: int = 0
    tls_port: int = 0
    addresses: tuple[str, ...] = ()


def mqtt_door(
    given: ExchangeFoundation, services: ExchangeServices, *, has_peers: bool = False
) -> MqttDoor:
    """Make the door; it does not listen yet.

    Args:
        given: What the exchange stands on.
        services: Of this process.
        has_peers: Other processes listen at the same ports.
    """
    askers = Askers(Rights(given.database, given.clock))
    peers = Peers(given.database, given.clock) if has_peers else None
    return MqttDoor(askers, services.flow_parts.intake, given.clock, peers=peers)


def mqtt_settings(settings: Settings) -> MqttSettings:
    """Read where the door listens from the platform's settings."""
    return MqttSettings(
        port=settings.mqtt_port,
        tls_port=settings.mqtts_port,
        addresses=settings.listen_addresses,
    )


def mqtt_addresses(settings: Settings, delivery: DeliveryService, places: Places) -> MqttAddresses:
    """Tell where the door listens, and with which certificate; note that for other processes."""

    async def certificate() -> Path:
        name = f"{await delivery.certificate_of(delivery.console_host)}.crt"
        note = certificate_note(places)
        if not note.exists() or note.read_text(encoding="utf-8") != name:
            # Whoever reads it meanwhile reads one name or the other.
            new = note.with_suffix(".new")
            new.write_text(name, encoding="utf-8")
            new.replace(note)
        return places.certificates / name

    return _addresses(mqtt_settings(settings), certificate)


def noted_addresses(settings: MqttSettings, places: Places) -> MqttAddresses:
    """Tell where a further process listens, with the certificate that the platform noted."""

    async def certificate() -> Path:
        return places.certificates / certificate_note(places).read_text(encoding="utf-8")

    return _addresses(settings, certificate)


def _addresses(settings: MqttSettings, certificate: Callable[[], Awaitable[Path]]) -> MqttAddresses:
    return MqttAddresses(
        port=settings.port,
        tls_port=settings.tls_port,
        addresses=settings.addresses,
        certificate=certificate,
    )


def certificate_note(places: Places) -> Path:
    """Return where the platform notes which certificate the door has."""
    return places.engines / "mqtt-certificate"
