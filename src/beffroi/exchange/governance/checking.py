"""What treatments and policies must agree on, beyond their shape."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from shapely import is_valid_reason
from shapely.errors import ShapelyError
from shapely.geometry import shape

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.governance.declared import Policy, Showing, Treatment
from beffroi.exchange.representation.geometries import checked_geometry
from beffroi.exchange.representation.names import attribute_iri, checked_id, type_iris
from beffroi.territory.findings import KeyPath, Mistake

_AREAS = frozenset({"Polygon", "MultiPolygon"})


def register_mistakes(treatments: Mapping[str, Treatment], _folder: Path) -> Iterator[Mistake]:
    """Tell what is wrong with treatments."""
    for one in treatments.values():
        yield from treatment_mistakes(one, ("register", one.name))


def policy_mistakes(policies: Mapping[str, Policy], _folder: Path) -> Iterator[Mistake]:
    """Tell what is wrong with policies."""
    for one in policies.values():
        yield from mistakes_of_policy(one, ("policies", one.name))


def treatment_mistakes(one: Treatment, path: KeyPath = ()) -> Iterator[Mistake]:
    """Tell what is wrong with a treatment."""
    yield from _type_mistakes(one.types, path)
    yield from _attribute_mistakes(one.personal_attributes, (*path, "personal_attributes"))
    if one.personal and one.legal_basis is None:
        yield Mistake("exchange.treatment_without_basis", path, {"name": one.name}, at_key=True)
    if one.personal_attributes and not one.personal:
        at = (*path, "personal_attributes")
        yield Mistake("exchange.treatment_not_personal", at, {"name": one.name})


def mistakes_of_policy(one: Policy, path: KeyPath = ()) -> Iterator[Mistake]:
    """Tell what is wrong with a policy."""
    yield from _type_mistakes(one.types, path)
    yield from _attribute_mistakes(one.attributes, (*path, "attributes"))
    yield from _attribute_mistakes(one.pseudonymised, (*path, "pseudonymised"))
    if one.area is not None and one.outline_of:
        values = {"name": one.name}
        yield Mistake("exchange.policy_two_areas", (*path, "outline_of"), values)
    if one.area is not None:
        yield from _area_mistakes(one, (*path, "area"))
    if one.outline_of:
        yield from _id_mistakes(one.outline_of, (*path, "outline_of"))
    if one.pseudonymised and one.showing is not Showing.PSEUDONYMS:
        at = (*path, "pseudonymised")
        yield Mistake("exchange.policy_not_pseudonyms", at, {"name": one.name})


def _type_mistakes(names: tuple[str, ...], path: KeyPath) -> Iterator[Mistake]:
    for place, name in enumerate(names):
        try:
            type_iris(name, CORE)
        except BadRequestDataError as error:
            yield Mistake(error.code, (*path, "types", place), error.values)


def _attribute_mistakes(names: tuple[str, ...], path: KeyPath) -> Iterator[Mistake]:
    for place, name in enumerate(names):
        try:
            attribute_iri(name, CORE)
        except BadRequestDataError as error:
            yield Mistake(error.code, (*path, place), error.values)


def _id_mistakes(given: str, path: KeyPath) -> Iterator[Mistake]:
    try:
        checked_id(given)
    except BadRequestDataError as error:
        yield Mistake(error.code, path, error.values)


def _area_mistakes(one: Policy, path: KeyPath) -> Iterator[Mistake]:
    area = one.area or {}
    try:
        checked_geometry(area, "area")
    except BadRequestDataError as error:
        yield Mistake(error.code, path, error.values)
        return
    if area["type"] not in _AREAS:
        yield Mistake("exchange.policy_area_flat", path, {"name": one.name, "found": area["type"]})
        return
    try:
        reason = is_valid_reason(shape(area))
    except (ShapelyError, ValueError) as error:
        reason = str(error)
    if reason != "Valid Geometry":
        yield Mistake("exchange.policy_area_crossed", path, {"name": one.name, "reason": reason})
