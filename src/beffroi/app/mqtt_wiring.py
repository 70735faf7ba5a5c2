"""The MQTT door of the platform, with its certificate."""

from pathlib import Path

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.settings import Settings
from beffroi.delivery.service import DeliveryService
from beffroi.exchange.api.askers import Askers
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.mqtt.listener import MqttAddresses, MqttDoor
from beffroi.kernel.places import Places
from beffroi.kernel.rights.service import Rights


def mqtt_door(given: ExchangeFoundation, services: ExchangeServices) -> MqttDoor:
    """Make the door; it does not listen yet."""
    askers = Askers(Rights(given.database, given.clock))
    return MqttDoor(askers, services.flow_parts.intake, given.clock)


def mqtt_addresses(settings: Settings, delivery: DeliveryService, places: Places) -> MqttAddresses:
    """Tell where the door listens, and with which certificate."""

    async def certificate() -> Path:
        return places.certificates / f"{await delivery.certificate_of(delivery.console_host)}.crt"

    return MqttAddresses(
        port=settings.mqtt_port,
        tls_port=settings.mqtts_port,
        addresses=settings.listen_addresses,
        certificate=certificate,
    )
