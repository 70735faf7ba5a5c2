"""Policies compiled: a condition in SQL and a test in Python that agree, entity by entity.

An entity lies in an area where the middle of its location's bounds does: PostgreSQL and Python
decide that by the same arithmetic.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.geometry import middle_of
from beffroi.exchange.governance.declared import EVERYBODY, Policy, Showing
from beffroi.exchange.model import LOCATION, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.names import attribute_iri

Edges = tuple[float, ...]
"""Of an area: from x, y to x, y, one after another."""

_NOWHERE: Final[Edges] = ()


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy lets be seen.

    Attributes:
        owner: The organisation that gives it.
        to: Organisations; ``EVERYBODY`` among them: all.
        attributes: Those that are seen; nothing: all of them.
        edges: Of the area; nothing: anywhere.
        purposes: One of them has to be told; none: nothing has to.
        key: Of the pseudonyms for one recipient; at hand where one asks.
    """

    owner: str
    name: str
    to: frozenset[str]
    tenant: str
    types: frozenset[Iri]
    attributes: frozenset[Iri] | None
    edges: Edges | None
    purposes: frozenset[str]
    until: date | None
    showing: Showing
    pseudonymised: frozenset[Iri]
    least: int
    key: bytes = b""

    def serves(self, organisation: str, purpose: str, today: date) -> bool:
        """Tell whether it is for an organisation that asks for a purpose."""
        return (
            (EVERYBODY in self.to or (organisation != "" and organisation in self.to))
            and (self.until is None or today <= self.until)
            and (not self.purposes or purpose in self.purposes)
        )

    def holds(self, owner: str, entity: Entity) -> bool:
        """Tell whether an entity of its tenant is among those that it gives."""
        if owner != self.owner or self.types.isdisjoint(entity.types):
            return False
        return self.edges is None or within(self.edges, located(entity))

    def condition(self) -> SqlFilter:
        """Return the same on ``exchange.entity e``."""
        parts = ["e.organisation = %s", "e.tenant = %s", "e.types && %s::text[]"]
        values: list[Any] = [self.owner, self.tenant, sorted(self.types)]
        if self.edges is not None:
            parts.append("exchange.in_area(e.longitude, e.latitude, %s::float8[])")
            values.append(list(self.edges))
        return SqlFilter(" and ".join(parts), tuple(values))


@lru_cache(maxsize=1_024)
def mark_of(grant: Grant) -> str:
    """Return a text that is another once anything of a grant is."""
    said = msgspec.structs.replace(grant, key=b"")
    return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:32]


def grant_of(owner: str, policy: Policy, outline: Json | None) -> Grant:
    """Compile a policy.

    Args:
        owner: Whose it is.
        policy: What it says.
        outline: Where the entity lies whose outline is the area, if there is one.
    """
    edges = None if policy.area is None else edges_of(policy.area)
    if policy.outline_of:
        edges = _NOWHERE if outline is None else edges_of(outline)
    return Grant(
        owner=owner,
        name=policy.name,
        to=frozenset(policy.to),
        tenant=policy.tenant,
        types=frozenset(CORE.expand(one) for one in policy.types),
        attributes=_names(policy.attributes) or None,
        edges=edges,
        purposes=frozenset(policy.purposes),
        until=policy.until,
        showing=policy.showing,
        pseudonymised=_names(policy.pseudonymised),
        least=policy.least,
    )


def edges_of(area: Json) -> Edges:
    """Return the edges of a Polygon or MultiPolygon; of anything else none: nothing lies in it."""
    polygons: Collection[Json] = ()
    if area.get("type") == "Polygon":
        polygons = [area["coordinates"]]
    elif area.get("type") == "MultiPolygon":
        polygons = area["coordinates"]
    rings = (ring for polygon in polygons for ring in polygon)
    return tuple(_flat(pair for ring in rings for pair in pairwise(ring)))


def within(edges: Edges, point: tuple[float, float] | None) -> bool:
    """Tell whether a point lies in an area, as ``exchange.in_area`` does."""
    if point is None:
        return False
    x, y = point
    crossed = 0
    for place in range(0, len(edges), 4):
        x1, y1, x2, y2 = edges[place : place + 4]
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            crossed += 1
    return crossed % 2 == 1


def located(entity: Entity) -> tuple[float, float] | None:
    """Return the middle of where an entity is, as its row has it."""
    for one in entity.attributes.get(LOCATION, ()):
        if not one.dataset_id and one.kind is AttributeKind.GEO_PROPERTY:
            return middle_of(one.value)
    return None


def today(now: datetime) -> date:
    """Return the day that policies end by."""
    return now.astimezone(UTC).date()


def _flat(pairs: Iterable[tuple[Json, Json]]) -> Iterable[float]:
    for start, end in pairs:
        yield from (float(start[0]), float(start[1]), float(end[0]), float(end[1]))


def _names(given: Iterable[str]) -> frozenset[Iri]:
    return frozenset(attribute_iri(one, CORE) for one in given)
