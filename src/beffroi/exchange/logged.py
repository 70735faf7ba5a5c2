"""What the log tells of an entity's change: nothing twice.

Most of what changes at once was made or changed at one time, that of the entity: it is told once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.model import Attribute, Entity, Iri

_TIMES: Final = ("created_at", "modified_at")
_ENCODER: Final = msgspec.json.Encoder()


class _LoggedChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A change without what the entry tells for all of them.

    Attributes:
        created_at, modified_at: Of the instance, where they are not the entry's.
    """

    kind: ChangeKind
    attribute: Iri
    instance: Attribute
    before: Attribute | None = None
    created_at: datetime | UnsetType | None = UNSET
    modified_at: datetime | UnsetType | None = UNSET


class LoggedChanges(msgspec.Struct, frozen=True, gc=False):
    """The body of an entry on an entity.

    Attributes:
        changed_at: When instances were made and changed that tell no time; entries without it are
            from when each told its own.
    """

    tenant: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]
    changes: tuple[_LoggedChange, ...]
    changed_at: datetime | UnsetType | None = UNSET

    def in_full(self) -> tuple[AttributeChange, ...]:
        """Return the changes with their times."""
        return tuple(self._full(one) for one in self.changes)

    def _full(self, one: _LoggedChange) -> AttributeChange:
        instance, at = one.instance, self.changed_at
        if at is not UNSET:
            instance = replace(
                instance,
                created_at=at if one.created_at is UNSET else one.created_at,
                modified_at=at if one.modified_at is UNSET else one.modified_at,
            )
        return AttributeChange(
            kind=one.kind, attribute=one.attribute, instance=instance, before=one.before
        )


def body_of(
    tenant: str,
    entity: Entity,
    changes: Iterable[AttributeChange],
    instances: Iterable[Attribute],
) -> dict[str, Any]:
    """Return the body of an entry: what changed of an entity that is so now, or was last.

    Args:
        tenant: Whose entity.
        entity: Which.
        changes: What changed of it.
        instances: Those of the changes, without their times.
    """
    at = entity.modified_at
    return {
        "tenant": tenant,
        "types": entity.types,
        "scopes": entity.scopes,
        "changes": [
            _logged(change, instance, at)
            for change, instance in zip(changes, instances, strict=True)
        ],
        "changed_at": at,
    }


def body_of_new(
    tenant: str, entity: Entity, attributes: Sequence[Iri], said: Sequence[bytes]
) -> msgspec.Raw:
    """Return the body of an entry on an entity that came to be with all that it has.

    Args:
        tenant: Whose entity.
        entity: Which.
        attributes: Of which each is an instance.
        said: Instances that were made and changed with their entity, as JSON without their times.
    """
    form = _form_of_new(tenant, entity.types, entity.scopes, tuple(attributes))
    return msgspec.Raw(form % (*said, _ENCODER.encode(entity.modified_at)))


@lru_cache(maxsize=1_000)
def _form_of_new(
    tenant: str, types: tuple[Iri, ...], scopes: tuple[str, ...], attributes: tuple[Iri, ...]
) -> bytes:
    """Return such a body with places for the instances and the time: most have a common form."""
    changes = [{"kind": ChangeKind.CREATED, "attribute": one, "instance": 0} for one in attributes]
    body = {"tenant": tenant, "types": types, "scopes": scopes, "changes": changes}
    encoded = _ENCODER.encode({**body, "changed_at": 0}).replace(b"%", b"%%")
    return encoded.replace(b'"instance":0}', b'"instance":%b}')[:-2] + b"%b}"


def changes_of(body: dict[str, Any]) -> LoggedChanges:
    """Read the body of an entry on an entity."""
    return msgspec.convert(body, LoggedChanges)


def body_in_full(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of an entry as those outside know it, whatever an erasure left of it."""
    if "changed_at" not in body:
        return body
    full = {name: value for name, value in body.items() if name != "changed_at"}
    if "changes" in full:
        full["changes"] = [_in_full(one, body["changed_at"]) for one in full["changes"]]
    return full


def _in_full(change: dict[str, Any], at: str | None) -> dict[str, Any]:
    told = {name: value for name, value in change.items() if name not in _TIMES}
    times = {name: change.get(name, at) for name in _TIMES}
    told["instance"] = {
        **told["instance"],
        **{name: time for name, time in times.items() if time is not None},
    }
    return told


def _logged(change: AttributeChange, instance: Attribute, at: datetime | None) -> _LoggedChange:
    created_at, modified_at = change.instance.created_at, change.instance.modified_at
    return _LoggedChange(
        kind=change.kind,
        attribute=change.attribute,
        instance=instance,
        before=change.before,
        created_at=UNSET if created_at == at else created_at,
        modified_at=UNSET if modified_at == at else modified_at,
    )
