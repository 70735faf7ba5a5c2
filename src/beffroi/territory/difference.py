"""What changes between two territories; pure."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec

from beffroi.territory.model import Application, Organisation, Territory


class ChangeKind(StrEnum):
    """What happens to a noun."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Noun(StrEnum):
    """The nouns that a territory declares."""

    TERRITORY = "territory"
    ORGANISATION = "organisation"
    SITE = "site"
    HOST = "host"
    APPLICATION = "application"


class FieldChange(msgspec.Struct, frozen=True):
    """A field that differs; ``None`` stands for what is absent on one side."""

    path: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True):
    """A noun that differs; ``organisation`` owns it, empty where none does."""

    kind: ChangeKind
    noun: Noun
    name: str
    organisation: str = ""
    fields: tuple[FieldChange, ...] = ()


_SECTIONS: Final = (
    (Noun.ORGANISATION, "organisations"),
    (Noun.SITE, "sites"),
    (Noun.HOST, "hosts"),
    (Noun.APPLICATION, "applications"),
)


def differences(before: Territory | None, after: Territory) -> tuple[Change, ...]:
    """Compare two territories.

    Args:
        before: What holds now, nothing at the first time.
        after: What is asked for.

    Returns:
        What is added or changed, owners before what they own; then what is removed, in reverse.
    """
    changes = list(_territory_change(before, after))
    for noun, section in _SECTIONS:
        olds = getattr(before, section) if before is not None else {}
        changes.extend(_section_changes(noun, olds, getattr(after, section)))
    removed = [change for change in changes if change.kind is ChangeKind.REMOVED]
    kept = [change for change in changes if change.kind is not ChangeKind.REMOVED]
    return (*kept, *reversed(removed))


def _territory_change(before: Territory | None, after: Territory) -> Iterator[Change]:
    if before is None:
        yield Change(ChangeKind.ADDED, Noun.TERRITORY, after.name)
        return
    fields = tuple(
        FieldChange(name, getattr(before, name), getattr(after, name))
        for name in ("name", "title", "domain")
        if getattr(before, name) != getattr(after, name)
    )
    if fields:
        yield Change(ChangeKind.CHANGED, Noun.TERRITORY, after.name, fields=fields)


def _section_changes(noun: Noun, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(ChangeKind.ADDED, noun, name, _owner(after[name]))
        elif name not in after:
            yield Change(ChangeKind.REMOVED, noun, name, _owner(before[name]))
        elif before[name] != after[name]:
            fields = tuple(_field_changes("", before[name], after[name]))
            yield Change(ChangeKind.CHANGED, noun, name, _owner(after[name]), fields)


def _owner(declared: object) -> str:
    if isinstance(declared, Organisation):
        return declared.name
    return declared.organisation if isinstance(declared, Application) else ""


def _field_changes(path: str, before: object, after: object) -> Iterator[FieldChange]:
    """Descend into nouns and mappings; a list counts as one value, as its order matters."""
    olds, news = _parts(before), _parts(after)
    if olds is not None and news is not None:
        for key in sorted(olds.keys() | news.keys()):
            inner = f"{path}.{key}" if path else key
            yield from _field_changes(inner, olds.get(key), news.get(key))
    elif before != after:
        yield FieldChange(path, msgspec.to_builtins(before), msgspec.to_builtins(after))


def _parts(value: object) -> dict[str, Any] | None:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return value if isinstance(value, dict) else None
