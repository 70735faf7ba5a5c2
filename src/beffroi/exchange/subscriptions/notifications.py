"""What a receiver gets: the body and the headers of a notification.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.3.1, 5.8.6, 4.5.0 (NGSI-LD Null) and 6.3.8.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.languages import read_languages
from beffroi.exchange.representation.names import DEFAULT_DATASET, NULL
from beffroi.exchange.representation.values import MEMBERS
from beffroi.exchange.representation.writing import (
    Form,
    Linked,
    Style,
    written,
    written_feature,
)
from beffroi.exchange.subscriptions.model import (
    Accept,
    Occasion,
    Subscription,
    Trigger,
)

_STYLES: Final = {
    "normalized": Style.NORMALIZED,
    "concise": Style.CONCISE,
    "keyValues": Style.SIMPLIFIED,
    "simplified": Style.SIMPLIFIED,
}
_ALWAYS: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)
_TELLS_DELETED: Final = frozenset({Trigger.ATTRIBUTE_DELETED, Trigger.ENTITY_UPDATED})
_OURS: Final = frozenset(
    {
        *("content-type", "content-length", "transfer-encoding", "connection", "host", "link"),
        *("te", "trailer", "upgrade", "keep-alive", "expect", "accept-encoding", "ngsild-tenant"),
    }
)
_NULLS: Final = {
    AttributeKind.LANGUAGE_PROPERTY: {DEFAULT_DATASET: NULL},
    AttributeKind.LIST_PROPERTY: [NULL],
    AttributeKind.LIST_RELATIONSHIP: [NULL],
}


def form_of(subscription: Subscription) -> Form:
    """Return in which form a subscription wants entities."""
    wanted = subscription.notification
    pick = frozenset(wanted.pick) if wanted.pick else None
    if wanted.attributes:
        pick = frozenset(wanted.attributes) | _ALWAYS
    datasets = subscription.dataset_id
    return Form(
        style=_STYLES[wanted.format],
        sys_attrs=wanted.sys_attrs,
        languages=read_languages(subscription.lang) if subscription.lang else (),
        pick=pick,
        omit=frozenset(wanted.omit or ()),
        dataset_ids=frozenset("" if one == DEFAULT_DATASET else one for one in datasets)
        if datasets
        else None,
    )


def notification_body(
    subscription: Subscription,
    occasion: Occasion,
    at: datetime,
    number: int,
    context: Context,
    linked: Mapping[str, Entity],
) -> bytes:
    """Write a notification.

    Args:
        subscription: Whose.
        occasion: What there is to tell.
        at: When that was.
        number: Of the notification: a second attempt has the same id.
        context: Which names to write with.
        linked: What the relationships lead to, by id.
    """
    telling = _Telling(subscription, occasion, at, context, linked)
    return msgspec.json.encode(
        {
            "id": f"urn:ngsi-ld:Notification:{number}",
            "type": "Notification",
            "subscriptionId": subscription.id,
            "notifiedAt": written_instant(at),
            "data": telling.data(),
        }
    )


def notification_headers(subscription: Subscription, tenant: str, link: str) -> dict[str, str]:
    """Return the headers that go with it; those of the protocol are ours."""
    endpoint = subscription.notification.endpoint
    headers = {
        pair.key: pair.value for pair in endpoint.receiver_info if pair.key.lower() not in _OURS
    }
    headers["Content-Type"] = endpoint.accept.value
    if endpoint.accept is not Accept.LD_JSON:
        rel = "http://www.w3.org/ns/json-ld#context"
        headers["Link"] = f'<{link}>; rel="{rel}"; type="{Accept.LD_JSON.value}"'
    if tenant:
        headers["NGSILD-Tenant"] = tenant
    return headers


class _Telling:
    """Writes what one notification tells."""

    def __init__(
        self,
        subscription: Subscription,
        occasion: Occasion,
        at: datetime,
        context: Context,
        linked: Mapping[str, Entity],
    ) -> None:
        self._subscription = subscription
        self._wanted = subscription.notification
        self._occasion = occasion
        self._at = at
        self._context = context
        self._linked = linked
        self._form = form_of(subscription)
        self._linked_form = msgspec.structs.replace(self._form, pick=None, omit=frozenset())

    def data(self) -> Json:
        """Write the entities."""
        own = [self._one(one) for one in self._occasion.entities]
        flat: list[dict[str, Json]] = []
        if self._wanted.join == "flat":
            flat = [self._write(one, self._linked_form, None) for one in self._linked.values()]
        told = own + flat
        if self._wanted.endpoint.accept is Accept.GEO_JSON:
            return {"type": "FeatureCollection", "features": told}
        if self._wanted.endpoint.accept is Accept.LD_JSON:
            for one in told:
                one["@context"] = self._context.source
        return told

    def _one(self, entity: Entity) -> dict[str, Json]:
        occasion = self._occasion
        gone = self._deletions()
        attributes = {} if occasion.deleted else entity.attributes
        shown = msgspec.structs.replace(entity, attributes=_with_nulls(attributes, gone))
        inline = self._inline(self._wanted.join_level, frozenset({entity.id}))
        result = self._write(shown, self._form, inline)
        members = result.get("properties", result) if self._is_feature(result) else result
        if occasion.deleted and self._shows("deletedAt"):
            members["deletedAt"] = written_instant(self._at)
        if self._wanted.sys_attrs and self._form.style is not Style.SIMPLIFIED:
            for one in gone:
                self._add(members, one, {"deletedAt": written_instant(self._at)})
        if self._wanted.show_changes:
            told = gone if occasion.deleted else occasion.changes
            for one in told:
                self._add(members, one, self._previous(one))
        return result

    def _write(self, entity: Entity, form: Form, linked: Linked | None) -> dict[str, Json]:
        if self._wanted.endpoint.accept is Accept.GEO_JSON:
            return written_feature(entity, self._context, form, linked=linked)
        return written(entity, self._context, form, linked)

    def _is_feature(self, result: dict[str, Json]) -> bool:
        return self._wanted.endpoint.accept is Accept.GEO_JSON and "properties" in result

    def _shows(self, name: str) -> bool:
        pick = self._form.pick
        return name not in self._form.omit and (pick is None or name in pick)

    def _deletions(self) -> Sequence[AttributeChange]:
        """Return the deletions that are told as NGSI-LD Null."""
        triggers = frozenset(self._subscription.notification_trigger)
        told = not triggers.isdisjoint(_TELLS_DELETED)
        if not told and not (self._occasion.deleted and self._wanted.show_changes):
            return ()
        watched = self._subscription.watched_attributes
        return [
            one
            for one in self._occasion.changes
            if one.kind is ChangeKind.DELETED and (watched is None or one.attribute in watched)
        ]

    def _previous(self, change: AttributeChange) -> dict[str, Json]:
        was = change.instance if change.kind is ChangeKind.DELETED else change.before
        if was is None:
            return {}
        member = MEMBERS[was.kind]
        value = was.value
        if was.kind is AttributeKind.VOCAB_PROPERTY:
            several = isinstance(value, list)
            value = (
                [self._context.compact(one) for one in value]
                if several
                else self._context.compact(value)
            )
        elif was.kind is AttributeKind.LIST_RELATIONSHIP:
            value = [{"object": one} for one in value]
        return {f"previous{member[0].upper()}{member[1:]}": value}

    def _add(
        self, members: dict[str, Json], change: AttributeChange, more: dict[str, Json]
    ) -> None:
        """Add members to a written instance, where it is shown."""
        name = self._context.compact(change.attribute)
        there = members.get(name)
        if not more or there is None:
            return
        if isinstance(there, dict) and not _is_instance(there):
            members[name] = {"value": there} | more
            return
        if not isinstance(there, list | dict) or (
            isinstance(there, list) and not any(isinstance(one, dict) for one in there)
        ):
            members[name] = {"value": there} | more
            return
        instances = there if isinstance(there, list) else [there]
        for place, one in enumerate(instances):
            if isinstance(one, dict) and one.get("datasetId", "") == change.instance.dataset_id:
                one.update(more)
            elif not isinstance(one, dict) and not change.instance.dataset_id:
                instances[place] = {"value": one} | more

    def _inline(self, levels: int, above: frozenset[str]) -> Linked | None:
        """Return what writes an entity into a relationship, and others into that one's."""
        if self._wanted.join != "inline" or not levels:
            return None

        def linked(_name: Iri, target: str) -> Json:
            entity = self._linked.get(target)
            if entity is None or target in above:
                return None
            deeper = self._inline(levels - 1, above | {target})
            return written(entity, self._context, self._linked_form, deeper)

        return linked


def _is_instance(there: dict[str, Any]) -> bool:
    """Tell a written instance from a bare value, which may be a geometry."""
    return "coordinates" not in there and "geometries" not in there


def _with_nulls(
    attributes: Mapping[Iri, tuple[Attribute, ...]], gone: Iterable[AttributeChange]
) -> dict[Iri, tuple[Attribute, ...]]:
    """Put an NGSI-LD Null where an instance was; one alone where an attribute had several."""
    result = dict(attributes)
    deleted: dict[Iri, list[Attribute]] = {}
    for change in gone:
        deleted.setdefault(change.attribute, []).append(change.instance)
    for iri, instances in deleted.items():
        left = result.get(iri, ())
        whole = not left and len(instances) > 1
        shown = instances[:1] if whole else instances
        result[iri] = (*left, *(_null(one, whole=whole) for one in shown))
    return result


def _null(instance: Attribute, *, whole: bool) -> Attribute:
    return Attribute(
        kind=instance.kind,
        value=_NULLS.get(instance.kind, NULL),
        dataset_id="" if whole else instance.dataset_id,
        created_at=instance.created_at,
        modified_at=instance.modified_at,
    )
