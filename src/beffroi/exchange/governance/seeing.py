"""What grants let be seen: rows of entities in SQL, entities in Python, which are the same.

Where grants leave something out, questions read rows that lack it: whatever they test or sort by
is then absent, and nothing can be guessed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.governance.declared import Showing
from beffroi.exchange.governance.granting import Grant
from beffroi.exchange.governance.pseudonyms import PREFIX, pads, pseudonymised
from beffroi.exchange.model import LOCATION, SCOPE, Entity, Iri

_KEPT: Final = "e.number, e.tenant"
_OF_ROW: Final = "e.organisation, e.types, e.scopes"
_TIMES: Final = "e.created_at, e.modified_at, e.expires_at"
_WHERE: Final = ("e.bounds", "e.longitude", "e.latitude", "e.extent")
_LOCATED: Final = "%s = any(seen.names) and %s <> all(seen.hidden)"
_WHOLE: Final = f"{_KEPT}, e.id, {_OF_ROW}, e.document, {_TIMES}, {', '.join(_WHERE)}"
_LESS: Final = f"""
{_KEPT}, {{id}} as id, {_OF_ROW}, {{document}} as document, {_TIMES},
{", ".join(f"case when {_LOCATED} then {one} end as {one[2:]}" for one in _WHERE)}
"""
_EVERY_NAME: Final = "array(select jsonb_object_keys(e.document))"
_WHERE_HIDDEN: Final = (LOCATION, LOCATION) * len(_WHERE)
NOTHING: Final = SqlFilter("false")


def whole(grants: Iterable[Grant]) -> list[Grant]:
    """Return the grants that show all of an entity."""
    return [one for one in grants if one.showing is Showing.PLAIN and one.attributes is None]


def partial(grants: Iterable[Grant]) -> list[Grant]:
    """Return the grants that show some attributes."""
    return [one for one in grants if one.showing is Showing.PLAIN and one.attributes is not None]


def pseudonymous(grants: Iterable[Grant]) -> list[Grant]:
    """Return the grants that show entities under pseudonyms."""
    return [one for one in grants if one.showing is Showing.PSEUDONYMS]


def either(filters: Iterable[SqlFilter]) -> SqlFilter:
    """Join conditions by or; of none: nothing meets it."""
    told = [one for one in filters if one != NOTHING]
    if not told:
        return NOTHING
    return SqlFilter(
        " or ".join(f"({one.sql})" for one in told),
        tuple(value for one in told for value in one.parameters),
    )


def plain_condition(own: SqlFilter, grants: Sequence[Grant]) -> SqlFilter:
    """Return the condition on ``e`` for entities that are seen under their ids."""
    plain = (one.condition() for one in grants if one.showing is Showing.PLAIN)
    return either([own, *plain])


def seen_rows(own: SqlFilter, grants: Sequence[Grant], table: str) -> SqlFilter | None:
    """Return the rows of entities as they may be seen, to be read in the place of ``table``.

    Args:
        own: The condition on ``e`` for those that are seen as they are.
        grants: What others let be seen.
        table: What holds all of them, as ``e``.

    Returns:
        Nothing where ``plain_condition`` alone says it.
    """
    less, renamed = partial(grants), pseudonymous(grants)
    if not less and not renamed:
        return None
    as_is = either([own, *(one.condition() for one in whole(grants))])
    cut = either(one.condition() for one in less)
    parts = [f"select {_WHOLE} from {table} where ({as_is.sql})"]  # noqa: S608 - ours alone
    values: list[Any] = [*as_is.parameters]
    if less:
        names = _names(less)
        document = _document("d.value")
        parts.append(
            f"select {_LESS.format(id='e.id', document=document)} from {table} "  # noqa: S608
            f"cross join lateral (select {names.sql} as names, '{{}}'::text[] as hidden) as seen "
            f"where ({cut.sql}) and not ({as_is.sql})"
        )
        values += [*_WHERE_HIDDEN, *names.parameters]
        values += [*cut.parameters, *as_is.parameters]
    if renamed:
        part = _renamed(renamed, table)
        parts.append(f"{part.sql} and not ({as_is.sql}) and not ({cut.sql})")
        values += [*part.parameters, *as_is.parameters, *cut.parameters]
    return SqlFilter(f"({' union all '.join(parts)}) e", tuple(values))


def seen_entity(grants: Sequence[Grant], owner: str, entity: Entity) -> Entity | None:
    """Return another organisation's entity less what may not be seen of it, or nothing."""
    holding = [one for one in grants if one.holds(owner, entity)]
    if whole(holding):
        return entity
    if less := partial(holding):
        return _cut(entity, less)
    if renamed := pseudonymous(holding):
        first = renamed[0]
        names = frozenset[str]().union(*(one.pseudonymised for one in renamed))
        return pseudonymised(_cut(entity, renamed), first.key, names)
    return None


def showing(grants: Sequence[Grant], owner: str, entity: Entity) -> list[Grant]:
    """Return the grants by which another organisation's entity is seen as it is."""
    holding = [one for one in grants if one.holds(owner, entity)]
    return whole(holding) or partial(holding) or pseudonymous(holding)


def told_names(grants: Sequence[Grant], owner: str, entity: Entity) -> frozenset[Iri] | None:
    """Return the attributes of another's entity whose changes may be told; nothing: all.

    How an attribute under pseudonyms changed is not told.
    """
    holding = [one for one in grants if one.holds(owner, entity)]
    if whole(holding):
        return None
    if less := partial(holding):
        return frozenset[Iri]().union(*(one.attributes or () for one in less))
    renamed = pseudonymous(holding)
    hidden = frozenset[Iri]().union(*(one.pseudonymised for one in renamed))
    seen = _cut(entity, renamed).attributes.keys() if renamed else ()
    return frozenset(seen) - hidden


def history_condition(own: SqlFilter, grants: Sequence[Grant], table: str) -> SqlFilter:
    """Return the condition on ``exchange.history h``: of entities seen under their ids.

    Those that are no more are seen where a grant has no area.
    """
    told = [own]
    for one in (*whole(grants), *partial(grants)):
        now, before = one.condition(), _evolved(one)
        there = f"exists (select from {table} where e.tenant = h.tenant and e.id = h.entity"
        parts = [f"{there} and {now.sql})"]
        values = [*now.parameters]
        if one.edges is None:
            parts.append(
                "exists (select from exchange.evolution e where e.tenant = h.tenant "
                f"and e.id = h.entity and {before.sql}) and not {there})"
            )
            values += before.parameters
        held = f"h.organisation = %s and ({' or '.join(parts)})"
        values = [one.owner, *values]
        if one.attributes is not None:
            held += " and h.attribute = any(%s)"
            values.append(sorted({*one.attributes, SCOPE}))
        told.append(SqlFilter(held, tuple(values)))
    return either(told)


def evolution_condition(own: SqlFilter, grants: Sequence[Grant]) -> SqlFilter:
    """Return the condition on ``exchange.evolution e``, of which nobody knows where it was."""
    plain = (*whole(grants), *partial(grants))
    return either([own, *(_evolved(one) for one in plain if one.edges is None)])


def _evolved(grant: Grant) -> SqlFilter:
    return SqlFilter(
        "e.organisation = %s and e.tenant = %s and e.types && %s::text[]",
        (grant.owner, grant.tenant, sorted(grant.types)),
    )


def _names(grants: Sequence[Grant]) -> SqlFilter:
    """Return the names of attributes that are seen of ``e``, those of all grants together."""
    parts, values = [], []
    for one in grants:
        held = one.condition()
        parts.append(f"case when {held.sql} then %s::text[] else '{{}}'::text[] end")
        values += [*held.parameters, sorted(one.attributes or ())]
    return SqlFilter(" || ".join(parts), tuple(values))


def _document(value: str) -> str:
    return (
        f"(select coalesce(jsonb_object_agg(d.key, {value}), '{{}}') "  # noqa: S608
        f"from jsonb_each(e.document) as d(key, value) "
        f"where d.key = any(seen.names) and {value} is not null)"
    )


def _renamed(grants: Sequence[Grant], table: str) -> SqlFilter:
    """Return rows under pseudonyms; the condition is the last of the statement."""
    inner, outer = pads(grants[0].key)
    names = _all_names(grants)
    hidden, held = _hidden(grants), either(one.condition() for one in grants)
    value = (
        "case when d.key = any(seen.hidden) "
        "then exchange.pseudonymised(d.value, seen.inner_pad, seen.outer_pad) else d.value end"
    )
    shown = _LESS.format(
        id=f"'{PREFIX}' || exchange.pseudonym(e.id, seen.inner_pad, seen.outer_pad)",
        document=_document(value),
    )
    return SqlFilter(
        f"select {shown} from {table} cross join lateral (select {names.sql} as names, "  # noqa: S608
        f"{hidden.sql} as hidden, %s::bytea as inner_pad, %s::bytea as outer_pad) as seen "
        f"where ({held.sql})",
        (
            *_WHERE_HIDDEN,
            *names.parameters,
            *hidden.parameters,
            *(inner, outer),
            *held.parameters,
        ),
    )


def _all_names(grants: Sequence[Grant]) -> SqlFilter:
    """Return the names that are seen of ``e``; a grant without a list shows all of them."""
    parts, values = [], []
    for one in grants:
        held = one.condition()
        given = "%s::text[]" if one.attributes is not None else _EVERY_NAME
        parts.append(f"case when {held.sql} then {given} else '{{}}'::text[] end")
        values += [*held.parameters]
        if one.attributes is not None:
            values.append(sorted(one.attributes))
    return SqlFilter(" || ".join(parts), tuple(values))


def _hidden(grants: Sequence[Grant]) -> SqlFilter:
    parts, values = [], []
    for one in grants:
        held = one.condition()
        parts.append(f"case when {held.sql} then %s::text[] else '{{}}'::text[] end")
        values += [*held.parameters, sorted(one.pseudonymised)]
    return SqlFilter(" || ".join(parts), tuple(values))


def _cut(entity: Entity, grants: Sequence[Grant]) -> Entity:
    if any(one.attributes is None for one in grants):
        return entity
    names = frozenset[str]().union(*(one.attributes or () for one in grants))
    left = {name: one for name, one in entity.attributes.items() if name in names}
    return msgspec.structs.replace(entity, attributes=left)
