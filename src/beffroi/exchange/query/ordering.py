"""In which order entities are shown (ETSI GS CIM 009 v1.9.1, clause 4.23).

Of values of several kinds numbers come first, then texts, objects, lists, booleans and instants;
what is not there comes last in either direction. Texts are in the order of their code points unless
a collation is asked for. An attribute with several instances counts by the default one.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Json
from beffroi.exchange.query.collation import read_collation
from beffroi.exchange.query.geo import read_shape
from beffroi.exchange.query.q_language import read_path
from beffroi.exchange.query.scanning import Scanner
from beffroi.exchange.query.sphere import Shape, distance_m
from beffroi.exchange.query.term_matching import ABSENT, member_of, texts_of, value_at
from beffroi.exchange.query.terms import Path
from beffroi.exchange.query.value_matching import read_moment

Rank = Callable[[Entity], Any]
_NUMBER, _TEXT, _OBJECT, _LIST, _BOOLEAN, _INSTANT, _LAST = range(7)
_BY_ID: Final = "id"
_ENTITY_MEMBER: Final = re.compile(r"(?:id|type|scope)(?![\w.\[:])")
_GEOMETRIES: Final = ("Point", "LineString", "Polygon", "MultiPolygon")


class Direction(StrEnum):
    """Which way."""

    ASCENDING = "asc"
    DESCENDING = "desc"
    NEAREST = "dist-asc"
    FARTHEST = "dist-desc"


class OrderAsked(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was asked for.

    Attributes:
        by: As "name;desc,location;dist-asc".
        origin: Coordinates to measure from, as a list or as the text of one; None for none.
        geometry: Their type; "" tells it by how deep the coordinates are.
        collation: As of RFC 6067; "" for the order of code points.
    """

    by: str
    origin: Json = None
    geometry: str = ""
    collation: str = ""


class _Backwards:
    """A key that orders the other way."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:  # noqa: ANN401 - any key
        self.key = key

    def __lt__(self, other: "_Backwards") -> bool:
        return bool(other.key < self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(other.key == self.key)

    def __hash__(self) -> int:
        return hash(self.key)


def read_order(asked: OrderAsked, context: Context) -> Rank | None:
    """Read an order; None where none is asked for.

    Raises:
        BadRequestDataError: It cannot be read, or measures from nowhere.
    """
    collate = read_collation(asked.collation) if asked.collation else str
    origin = None if asked.origin is None else _read_origin(asked)
    if not asked.by:
        return None
    scanner = Scanner("orderBy", asked.by)
    ranks = [_read_rank(scanner, context, collate, origin)]
    while scanner.takes(","):
        ranks.append(_read_rank(scanner, context, collate, origin))
    scanner.needs_end()
    return lambda entity: [rank(entity) for rank in ranks]


def _read_origin(asked: OrderAsked) -> Shape:
    coordinates = asked.origin
    if isinstance(coordinates, str):
        try:
            coordinates = msgspec.json.decode(coordinates)
        except (msgspec.DecodeError, RecursionError):
            coordinates = None
    if not isinstance(coordinates, list):
        raise BadRequestDataError("exchange.order_from_unreadable")
    depth = -1
    inner: Json = coordinates
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0] if inner else None
    guessed = _GEOMETRIES[min(max(depth, 0), len(_GEOMETRIES) - 1)]
    return read_shape(asked.geometry or guessed, coordinates, "orderFrom")


def _read_rank(
    scanner: Scanner, context: Context, collate: Callable[[str], Any], origin: Shape | None
) -> Rank:
    scanner.skip_spaces()
    begun = scanner.at
    member = scanner.match(_ENTITY_MEMBER)
    path = None if member else read_path(scanner, context)
    direction = _read_direction(scanner)
    scanner.skip_spaces()
    if direction in {Direction.NEAREST, Direction.FARTHEST}:
        if origin is None:
            raise scanner.mistake("exchange.order_from_missing", at=begun)
        if path is None:
            raise scanner.mistake("exchange.order_without_place", at=begun)
        return _distance_rank(path, origin, collate, backwards=direction is Direction.FARTHEST)
    backwards = direction is Direction.DESCENDING
    if path is None:
        return _member_rank(member, context, backwards=backwards)
    return lambda entity: _ranked(_value(entity, path), collate, backwards=backwards)


def _read_direction(scanner: Scanner) -> Direction:
    scanner.skip_spaces()
    if not scanner.takes(";"):
        return Direction.ASCENDING
    word = scanner.match(re.compile(r"[a-z\-]+"))
    try:
        return Direction(word)
    except ValueError:
        raise scanner.mistake(
            "exchange.order_direction_expected", known=", ".join(Direction)
        ) from None


def _member_rank(member: str, context: Context, *, backwards: bool) -> Rank:
    if member == _BY_ID:
        return lambda entity: _turned(0, entity.id, backwards=backwards)
    if member == "type":
        return lambda entity: _turned(
            0, [context.compact(one) for one in entity.types], backwards=backwards
        )
    return lambda entity: (
        _turned(0, entity.scopes, backwards=backwards) if entity.scopes else (_LAST,)
    )


def _distance_rank(
    path: Path, origin: Shape, collate: Callable[[str], Any], *, backwards: bool
) -> Rank:
    def rank(entity: Entity) -> Any:  # noqa: ANN401 - a key
        attribute = _attribute(entity, path)
        if attribute is not None and attribute.kind is AttributeKind.GEO_PROPERTY:
            metres = distance_m(origin, Shape(attribute.value))
            return (-1, -metres if backwards else metres)
        return _ranked(_value(entity, path), collate, backwards=False)

    return rank


def _attribute(entity: Entity, path: Path) -> Attribute | None:
    instances: Sequence[Attribute] = ()
    found: Attribute | None = None
    for number, name in enumerate(path.names):
        if number == 0:
            instances = entity.attributes.get(name, ())
        else:
            instances = found.members.get(name, ()) if found is not None else ()
        if not instances:
            return None
        found = next((one for one in instances if not one.dataset_id), instances[0])
    return found


def _value(entity: Entity, path: Path) -> Json:
    if not path.names:
        return member_of(entity, path.member)
    attribute = _attribute(entity, path)
    if attribute is None:
        return ABSENT
    if path.member is not None:
        return member_of(attribute, path.member)
    if attribute.kind is AttributeKind.LANGUAGE_PROPERTY:
        texts = texts_of(attribute.value, path.trail)
        return min(texts) if texts else ABSENT
    return value_at(attribute.value, path.trail)


def _ranked(value: Json, collate: Callable[[str], Any], *, backwards: bool) -> Any:  # noqa: ANN401
    """Make the key of a value: its kind's place, then itself."""
    if value is ABSENT or value is None:
        return (_LAST,)
    place, key = _placed(value, collate)
    return _turned(place, key, backwards=backwards)


def _placed(value: Json, collate: Callable[[str], Any]) -> tuple[int, Any]:
    if isinstance(value, str):
        moment = read_moment(value)
        return (_TEXT, collate(value)) if moment is None else (_INSTANT, moment)
    if isinstance(value, datetime):
        return _INSTANT, value
    if isinstance(value, bool):
        return _BOOLEAN, value
    if isinstance(value, int | float):
        return _NUMBER, value
    written = msgspec.json.encode(value, order="deterministic")
    return (_OBJECT if isinstance(value, dict) else _LIST), written


def _turned(place: int, key: Any, *, backwards: bool) -> Any:  # noqa: ANN401 - any key
    return (-place, _Backwards(key)) if backwards else (place, key)
