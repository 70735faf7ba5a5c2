"""Which changes a connector tells of: the same matching as subscriptions have."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET

from beffroi.exchange.connectors.declared import Connector
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.model import Json
from beffroi.exchange.subscriptions.model import USUAL_TRIGGERS, HeldSubscription, Trigger
from beffroi.exchange.subscriptions.reading import checked_subscription, read_members
from beffroi.exchange.subscriptions.watching import Watcher, watcher_of

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_NOWHERE: Final = "https://connector.invalid/"


def watcher_for(flow: HeldFlow, connector: Connector, context: Context) -> Watcher:
    """Make a connector's selection ready to decide.

    Raises:
        BadRequestDataError: A name or a condition cannot be one.
    """
    return watcher_of(
        HeldSubscription(
            number=0,
            tenant=flow.tenant,
            organisation=flow.organisation,
            everything=flow.owner.scope.everything,
            document=checked_selection(connector, context),
            since=_BEGINNING,
            created_at=_BEGINNING,
            modified_at=_BEGINNING,
        )
    )


def checked_selection(connector: Connector, context: Context) -> dict[str, Json]:
    """Return a selection as the document of a subscription, with names in full.

    Raises:
        BadRequestDataError: A name or a condition cannot be one.
    """
    members = read_members(_document(connector), context)
    checked_subscription(members, _BEGINNING)
    return members


def _document(connector: Connector) -> Mapping[str, Json]:
    triggers = [*USUAL_TRIGGERS, *([Trigger.ENTITY_DELETED] if connector.deletions else [])]
    document: dict[str, Json] = {
        "id": f"urn:ngsi-ld:Subscription:{connector.name}",
        "type": "Subscription",
        "entities": [{"type": one} for one in connector.types],
        "notification": {"endpoint": {"uri": _NOWHERE}},
        "notificationTrigger": [one.value for one in triggers],
    }
    if connector.q:
        document["q"] = connector.q
    if connector.watched:
        document["watchedAttributes"] = list(connector.watched)
    if connector.area is not UNSET:
        area = connector.area
        document["geoQ"] = {
            "georel": area.georel,
            "geometry": area.geometry,
            "coordinates": area.coordinates,
            "geoproperty": area.geoproperty,
        }
    return document
