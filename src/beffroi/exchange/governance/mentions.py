"""Whether JSON tells of a person by an identifier, and what is left when it is taken out; pure."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.exchange.model import Attribute, Entity, Iri, Json

_INSIDE: Final = r"[\w:.-]"


class Mention:
    """Finds an identifier: by itself in texts, and never as a part of a longer one."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.written = msgspec.json.encode(identifier).decode()[1:-1]
        self.pattern = rf"(?<!{_INSIDE}){re.escape(identifier)}(?!{_INSIDE})"
        self._found = re.compile(self.pattern).search

    def within(self, value: Json) -> bool:
        """Tell whether JSON holds it, as a value or as the name of a member."""
        if isinstance(value, str):
            return self._found(value) is not None
        if isinstance(value, dict):
            return any(self.within(name) or self.within(one) for name, one in value.items())
        return isinstance(value, list) and any(map(self.within, value))

    def told_by(self, instance: Attribute) -> bool:
        """Tell whether an instance of an attribute holds it, anywhere."""
        return self.within(msgspec.to_builtins(instance))

    def without(
        self, attributes: Mapping[Iri, tuple[Attribute, ...]]
    ) -> Mapping[Iri, tuple[Attribute, ...]]:
        """Return attributes less the instances that hold it; of lists, less the items."""
        left: dict[Iri, tuple[Attribute, ...]] = {}
        for name, instances in attributes.items():
            kept = tuple(one for one in map(self._less, instances) if one is not None)
            if kept:
                left[name] = kept
        return left

    def entity_without(self, entity: Entity) -> Entity:
        """Return an entity that does not tell of the person any more."""
        return msgspec.structs.replace(entity, attributes=dict(self.without(entity.attributes)))

    def _less(self, instance: Attribute) -> Attribute | None:
        if not self.told_by(instance):
            return instance
        if isinstance(instance.value, list):
            items = [one for one in instance.value if not self.within(one)]
            shorter = msgspec.structs.replace(instance, value=items)
            if items and not self.told_by(shorter):
                return shorter
        return None
