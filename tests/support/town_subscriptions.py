"""Buildings of a town and subscriptions to them, as requests bring them."""

from datetime import UTC, datetime
from typing import Any, Protocol

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import Changed, updated
from beffroi.exchange.representation.reading import read_entity, read_fragment
from beffroi.exchange.service import Exchange, deletion
from beffroi.exchange.subscriptions.model import HeldSubscription
from beffroi.exchange.subscriptions.reading import checked_subscription, read_members
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.rights.model import Actor, Role
from tests.support.exchange_process import ExchangeProcess

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NIMES = Actor("capteurs", Role.PARTNER, "nimes")
ALES = Actor("mairie", Role.MANAGER, "ales")
OPERATOR = Actor("exploitation", Role.OPERATOR)


class EntityKeeper(Protocol):
    """A process that keeps entities."""

    @property
    def exchange(self) -> Exchange:
        """Where they are kept."""
        ...


def building(number: int = 1, **attributes: Any) -> dict[str, Any]:
    """Return a building as JSON; attributes are values of Properties."""
    told = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": f"urn:ngsi-ld:Building:{number}", "type": "Building", **told}


def read(document: dict[str, Any]) -> Entity:
    """Read an entity."""
    return read_entity(document, CORE, NOW)


def subscription(
    uri: str = "http://127.0.0.1:1/notify", number: int = 1, **members: Any
) -> dict[str, Any]:
    """Return a subscription to buildings as JSON."""
    notification = {"endpoint": {"uri": uri}} | members.pop("notification", {})
    return {
        "id": f"urn:ngsi-ld:Subscription:{number}",
        "type": "Subscription",
        "entities": [{"type": "Building"}],
        "notification": notification,
        **members,
    }


def held(document: dict[str, Any], number: int = 1, **whose: Any) -> HeldSubscription:
    """Return a subscription as it is kept."""
    members = read_members(document, CORE)
    checked_subscription(members, NOW)
    told = {"tenant": "", "organisation": "nimes", "everything": False, **whose}
    return HeldSubscription(
        number=number, document=members, since=NOW, created_at=NOW, modified_at=NOW, **told
    )


async def create(platform: EntityKeeper, document: dict[str, Any], actor: Actor = NIMES) -> None:
    """Create an entity."""
    await platform.exchange.create(actor, "", read(document))


async def update(
    platform: EntityKeeper, entity_id: str, fragment: dict[str, Any], actor: Actor = NIMES
) -> None:
    """Update attributes of an entity."""
    told = {
        name: value if value == "urn:ngsi-ld:null" else {"type": _kind(name), "value": value}
        for name, value in fragment.items()
    }
    read_in = read_fragment(told, CORE)

    def change(entity: Entity) -> Changed:
        return updated(entity, read_in, SystemClock().now())

    await platform.exchange.change(actor, "", entity_id, change)


def _kind(name: str) -> str:
    return "GeoProperty" if name == "location" else "Property"


async def subscribe(
    platform: ExchangeProcess, document: dict[str, Any], actor: Actor = NIMES
) -> str:
    """Create a subscription; return its id."""
    return await platform.subscriptions.create(actor, "", document, CORE)


async def delete(platform: EntityKeeper, entity_id: str, actor: Actor = NIMES) -> None:
    """Delete an entity."""
    (refused,) = await platform.exchange.carry_out(actor, "", [deletion(entity_id)])
    assert refused is None
