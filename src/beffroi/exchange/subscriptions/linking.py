"""Entities that relationships lead to, from those at hand, as an asker may see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri
from beffroi.exchange.query.conditions import Condition
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import HeldEntity
from beffroi.kernel.database import Connection

_REACHED_MOST: Final = 2_000
_RELATIONSHIPS: Final = frozenset({AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP})


async def linked_entities(
    connection: Connection,
    realm: Realm,
    entities: Iterable[Entity],
    levels: int,
    now: datetime,
) -> Mapping[str, HeldEntity]:
    """Return what relationships lead to, by id.

    Raises:
        TooComplexQueryError: That are more than 2,000.
    """
    found: dict[str, HeldEntity] = {}
    level = list(entities)
    seen = {one.id for one in level}
    for _ in range(levels):
        ids = {target for one in level for target in targets(one.attributes)} - seen
        if len(found) + len(ids) > _REACHED_MOST:
            raise TooComplexQueryError("exchange.too_many_joined", most=_REACHED_MOST)
        if not ids:
            break
        rows = await asked_store.entities(
            connection,
            realm,
            SqlFilter("e.id = any(%s)", (sorted(ids),)),
            limit=len(ids),
        )
        level = []
        for one in rows:
            entity = alive(one.entity, now)
            if entity is not None:
                level.append(entity)
                found[entity.id] = replace(one, entity=entity)
        seen |= ids
    return found


async def meets(
    connection: Connection,
    realm: Realm,
    condition: Condition,
    entity: Entity,
    now: datetime,
) -> bool:
    """Tell whether a condition on linked entities holds for one."""
    reached = await linked_entities(connection, realm, [entity], condition.depth, now)
    known = (entity, *(one.entity for one in reached.values()))

    async def find(question: Question) -> frozenset[str]:
        return frozenset(one.id for one in known if question.wanted(one))

    question = await condition.followed(find)
    return question.wanted(entity)


def targets(attributes: Mapping[Iri, tuple[Attribute, ...]]) -> Iterable[str]:
    """Yield the ids that relationships lead to, those of attributes of attributes too."""
    for instances in attributes.values():
        for one in instances:
            if one.kind in _RELATIONSHIPS:
                yield from [one.value] if isinstance(one.value, str) else one.value
            yield from targets(one.members)
