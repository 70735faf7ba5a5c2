"""Names that stand for other names, the same each time for one recipient: keyed, one way.

``exchange.pseudonym`` works out the same in SQL.

Source: RFC 2104 (HMAC) with SHA-256; 128 bits are kept.
"""

import hmac
from collections.abc import Collection
from typing import Final

import msgspec

from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri

PREFIX: Final = "urn:beffroi:pseudonym:"
_BLOCK: Final = 64
_KEPT: Final = 16
_RELATIONSHIPS: Final = frozenset({AttributeKind.RELATIONSHIP})


def pseudonym(key: bytes, name: str) -> str:
    """Return the name that stands for another."""
    return PREFIX + hmac.digest(key, name.encode(), "sha256")[:_KEPT].hex()


def pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what the key is to SQL: the blocks that HMAC hashes before the name and after."""
    block = key.ljust(_BLOCK, b"\0")
    return bytes(one ^ 0x36 for one in block), bytes(one ^ 0x5C for one in block)


def pseudonymised(entity: Entity, key: bytes, attributes: Collection[Iri]) -> Entity:
    """Put pseudonyms in the place of an entity's id and of the texts of some attributes.

    What such an attribute says otherwise, and what is said about it, is left out.
    """
    shown: dict[Iri, tuple[Attribute, ...]] = {}
    for name, instances in entity.attributes.items():
        if name not in attributes:
            shown[name] = instances
        elif told := tuple(_told(one, key) for one in instances if isinstance(one.value, str)):
            shown[name] = told
    return msgspec.structs.replace(entity, id=pseudonym(key, entity.id), attributes=shown)


def _told(instance: Attribute, key: bytes) -> Attribute:
    kind = instance.kind if instance.kind in _RELATIONSHIPS else AttributeKind.PROPERTY
    return Attribute(
        kind=kind, value=pseudonym(key, instance.value), dataset_id=instance.dataset_id
    )
