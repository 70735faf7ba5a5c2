"""The nouns of subscriptions; their names in JSON are those of the standard.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.2.22 and 5.2.33.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from beffroi.exchange.changes import AttributeChange
from beffroi.exchange.model import LOCATION, Entity, Iri, Json
from beffroi.kernel.database import Scope
from beffroi.kernel.units import MIB

CONTENT_MOST_BYTES: Final = 16 * MIB
INTERVAL_LEAST_S: Final = 0.1
"""So that no subscription keeps the platform busy."""
NAMES: Final = "names"
CONTEXT_LINK: Final = "contextLink"
Listed = Annotated[tuple[str, ...], Meta(min_length=1, max_length=1_000)]
Text = Annotated[str, Meta(min_length=1)]


class Trigger(StrEnum):
    """What happens to an entity or an attribute."""

    ENTITY_CREATED = "entityCreated"
    ENTITY_UPDATED = "entityUpdated"
    ENTITY_DELETED = "entityDeleted"
    ATTRIBUTE_CREATED = "attributeCreated"
    ATTRIBUTE_UPDATED = "attributeUpdated"
    ATTRIBUTE_DELETED = "attributeDeleted"


USUAL_TRIGGERS: Final = (Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED)


class Status(StrEnum):
    """Whether a subscription is served."""

    ACTIVE = "active"
    PAUSED = "paused"
    EXPIRED = "expired"


class Accept(StrEnum):
    """In which representation a receiver is told."""

    JSON = "application/json"
    LD_JSON = "application/ld+json"
    GEO_JSON = "application/geo+json"


class KeyValue(msgspec.Struct, frozen=True):
    """A name and a value for a receiver, or for the way to it."""

    key: Text
    value: str


class Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    """Where to.

    Attributes:
        timeout: How long to wait for an answer, in milliseconds.
        cooldown: How long to leave it alone after a failure, in milliseconds.
    """

    uri: Annotated[str, Meta(min_length=1, max_length=1_000)]
    accept: Accept = Accept.JSON
    receiver_info: Annotated[tuple[KeyValue, ...], Meta(max_length=100)] = ()
    notifier_info: Annotated[tuple[KeyValue, ...], Meta(max_length=100)] = ()
    timeout: Annotated[float, Meta(gt=0)] | None = None
    cooldown: Annotated[float, Meta(ge=0)] = 0


class Notifying(msgspec.Struct, frozen=True, rename="camel"):
    """How to tell: the standard's NotificationParams."""

    endpoint: Endpoint
    attributes: Listed | None = None
    pick: Listed | None = None
    omit: Listed | None = None
    format: Literal["normalized", "concise", "keyValues", "simplified"] = "normalized"
    show_changes: bool = False
    sys_attrs: bool = False
    join: Literal["flat", "inline", "@none"] = "@none"
    join_level: Annotated[int, Meta(ge=1, le=8)] = 1


class Selector(msgspec.Struct, frozen=True, rename="camel"):
    """Which entities.

    Attributes:
        type: A selection of types, "*" for every one; names in full.
    """

    type: Text
    id: Listed | str | None = None
    id_pattern: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The entities that are named; none: any."""
        if self.id is None:
            return ()
        return (self.id,) if isinstance(self.id, str) else self.id


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where entities have to be: the standard's GeoQuery."""

    geometry: Text
    georel: Text
    coordinates: Json
    geoproperty: Text = LOCATION


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody wants to be told of; every name in it is one in full.

    Attributes:
        time_interval: Seconds between periodic notifications; nothing: changes are told.
        throttling: Seconds that have to pass between two notifications.
        names: What those in ``q`` stand for.
        context_link: The @context that it came with.
    """

    id: str
    type: Literal["Subscription"]
    notification: Notifying
    entities: Annotated[tuple[Selector, ...], Meta(min_length=1, max_length=1_000)] | None = None
    watched_attributes: Listed | None = None
    notification_trigger: Annotated[tuple[Trigger, ...], Meta(min_length=1)] = USUAL_TRIGGERS
    time_interval: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    throttling: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    q: Text | None = None
    geo_q: Place | None = None
    scope_q: Text | None = None
    csf: Text | None = None
    is_active: bool = True
    expires_at: datetime | None = None
    lang: Text | None = None
    dataset_id: Listed | None = None
    expand_values: Listed | None = None
    jsonld_context: Text | None = None
    subscription_name: str | None = None
    description: str | None = None
    names: dict[str, Iri] = {}
    context_link: str = ""

    def status(self, now: datetime) -> Status:
        """Tell whether it is served at a moment."""
        if self.expires_at is not None and self.expires_at <= now:
            return Status.EXPIRED
        return Status.ACTIVE if self.is_active else Status.PAUSED


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a subscription's notifications: every attempt counts as one."""

    times_sent: int = 0
    times_failed: int = 0
    last_notification: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None


class HeldSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it is kept.

    Attributes:
        everything: It sees every organisation's entities; otherwise those of its own.
        since: What happened before is not told.
        document: As ``Subscription`` in JSON, with what was given and nothing else.
    """

    number: int
    tenant: str
    organisation: str
    everything: bool
    document: dict[str, Json]
    since: datetime
    created_at: datetime
    modified_at: datetime
    told: Told = Told()

    def reaches(self, organisation: str) -> bool:
        """Tell whether it sees an organisation's entities."""
        return self.everything or self.organisation == organisation

    @property
    def endpoint(self) -> str:
        """Where it is told."""
        uri: str = self.document["notification"]["endpoint"]["uri"]
        return uri

    @property
    def viewer(self) -> tuple[str, bool]:
        """Who sees: those of one tenant with the same see the same."""
        return self.organisation, self.everything

    @property
    def scope(self) -> Scope:
        """What its transactions may see."""
        return Scope(organisation=self.organisation, everything=self.everything)


class Occasion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What there is to tell.

    Attributes:
        entities: As they were then; of one that was deleted, as it was last.
        changes: What happened to the one entity, where it is not a periodic notification.
        deleted: It was deleted.
        given: Marks of the grants by which others' entities are told; where one of them holds no
            more, nothing is.
    """

    entities: tuple[Entity, ...]
    changes: tuple[AttributeChange, ...] = ()
    deleted: bool = False
    given: tuple[str, ...] = ()


class DeadLetter(msgspec.Struct, frozen=True):
    """A notification that was tried too often."""

    number: int
    endpoint: str
    attempts: int
    dead_at: datetime
    reason: str
    occurred_at: datetime


def subscription_of(document: Json) -> Subscription:
    """Make a subscription of its document.

    Raises:
        msgspec.ValidationError: It is none.
    """
    return msgspec.convert(document, Subscription)
