"""What the log tells of an entity's change: nothing twice.

Most of what changes at once was made or changed at one time, that of the entity: it is told once.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from beffroi.exchange.changes import AttributeChange, ChangeKind, timeless
from beffroi.exchange.model import Attribute, Entity, Iri

_TIMES: Final = ("created_at", "modified_at")


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


def body_of(tenant: str, entity: Entity, changes: list[AttributeChange]) -> dict[str, Any]:
    """Return the body of an entry: what changed of an entity that is so now, or was last."""
    at = entity.modified_at
    return {
        "tenant": tenant,
        "types": entity.types,
        "scopes": entity.scopes,
        "changes": [_logged(one, at) for one in changes],
        "changed_at": at,
    }


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


def _logged(change: AttributeChange, at: datetime | None) -> _LoggedChange:
    instance = change.instance
    return _LoggedChange(
        kind=change.kind,
        attribute=change.attribute,
        instance=timeless(instance),
        before=change.before,
        created_at=UNSET if instance.created_at == at else instance.created_at,
        modified_at=UNSET if instance.modified_at == at else instance.modified_at,
    )
