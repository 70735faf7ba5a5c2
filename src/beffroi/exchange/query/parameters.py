"""What a request asks, taken from its URL or from its body.

Source: ETSI GS CIM 009 v1.9.1, tables 5.2.13-1, 5.2.23-1, 5.2.33-1, 5.2.43-1 and 6.4.3.2-1.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.query.inquiry import (
    Asked,
    Inquiry,
    PlaceAsked,
    Selector,
    read_inquiry,
    refuse_too_wide,
)
from beffroi.exchange.query.ordering import OrderAsked
from beffroi.exchange.representation.excerpts import excerpt

_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def inquiry_of(parameters: Mapping[str, str], context: Context) -> Inquiry:
    """Read what the URL of GET /entities asks; other parameters are the door's.

    Args:
        parameters: By name, decoded; an empty one is as none.
        context: What names stand for.

    Raises:
        BadRequestDataError: It cannot be read, or asks for everything.
    """
    asked = asked_of(parameters)
    inquiry = read_inquiry(asked, context)
    refuse_too_wide(asked, inquiry)
    return inquiry


def asked_of(parameters: Mapping[str, str]) -> Asked:
    """Take what the parameters of a URL ask."""

    def told(name: str) -> str:
        return parameters.get(name, "")

    selector = Selector(ids=_parts(told("id")), id_pattern=told("idPattern"), types=told("type"))
    return Asked(
        selectors=() if selector == Selector() else (selector,),
        attrs=_parts(told("attrs")),
        q=told("q"),
        csf=told("csf"),
        scope_q=told("scopeQ"),
        place=_place(parameters),
        pick=told("pick"),
        omit=told("omit"),
        order=OrderAsked(
            by=told("orderBy"),
            origin=told("orderFrom") or None,
            geometry=told("orderGeometry"),
            collation=told("collation"),
        ),
        expand_values=_parts(told("expandValues")),
        join=told("join"),
        join_level=_join_level(told("joinLevel")),
        local=told("local"),
    )


def inquiry_of_body(
    document: Json, context: Context, parameters: Mapping[str, str] | None = None
) -> Inquiry:
    """Read what the body of POST /entityOperations/query asks.

    Args:
        document: The body, without its @context.
        context: What names stand for.
        parameters: Those of the URL, of which "local", "join" and "joinLevel" count here.

    Raises:
        BadRequestDataError: It cannot be read, or asks for everything.
    """
    asked = asked_of_body(document, parameters or {})
    inquiry = read_inquiry(asked, context)
    refuse_too_wide(asked, inquiry)
    return inquiry


def asked_of_body(document: Json, parameters: Mapping[str, str]) -> Asked:
    """Take what a Query asks.

    Raises:
        BadRequestDataError: A member is not what it has to be.
    """
    if not isinstance(document, dict):
        raise BadRequestDataError("exchange.not_an_object", found=excerpt(document))
    if document.get("type") != "Query":
        raise BadRequestDataError("exchange.body_no_query", found=excerpt(document.get("type", "")))
    if "temporalQ" in document:
        raise BadRequestDataError("exchange.temporal_not_here")
    body = _Members(document, "")
    entities = body.objects("entities")
    ordering = body.object("ordering") or _Members({}, "ordering.")
    geo = body.object("geoQ")
    return Asked(
        selectors=tuple([read_selector(one.document) for one in entities]),
        attrs=body.texts("attrs"),
        q=decoded(body.text("q")),
        csf=body.text("csf"),
        scope_q=body.text("scopeQ"),
        place=None if geo is None else read_place(geo.document),
        pick=",".join(body.texts("pick")),
        omit=",".join(body.texts("omit")),
        order=_order(ordering),
        expand_values=body.texts("expandValues"),
        join=body.text("join") or parameters.get("join", ""),
        join_level=body.level("joinLevel", _join_level(parameters.get("joinLevel", ""))),
        local=_flag(document.get("local")) or parameters.get("local", ""),
    )


def read_selector(document: Json) -> Selector:
    """Read an element of ``entities``: of a query or a subscription.

    Raises:
        BadRequestDataError: It has no type, or a member is not what it has to be.
    """
    members = _Members(document, "entities.")
    types = members.text("type")
    if not types:
        raise BadRequestDataError("exchange.entities_without_type")
    return Selector(ids=members.texts("id"), id_pattern=members.text("idPattern"), types=types)


def read_place(document: Json) -> PlaceAsked:
    """Read a ``geoQ``: of a query or a subscription.

    Raises:
        BadRequestDataError: A member lacks, or is not what it has to be.
    """
    members = _Members(document, "geoQ.")
    told = {name: members.text(name) for name in ("georel", "geometry")}
    coordinates = document.get("coordinates")
    if not isinstance(coordinates, str | list) or not coordinates or not all(told.values()):
        raise BadRequestDataError("exchange.place_incomplete")
    return PlaceAsked(
        georel=decoded(told["georel"]),
        geometry=told["geometry"],
        coordinates=coordinates,
        geoproperty=members.text("geoproperty"),
    )


def decoded(text: str) -> str:
    """Decode a text of a body that is written as in a URL: one with %22 for its quotes."""
    return unquote(text) if _ESCAPED.search(text) else text


class _Members:
    """Members of a JSON object, each of the kind that it has to be."""

    def __init__(self, document: Json, path: str) -> None:
        if not isinstance(document, dict):
            raise BadRequestDataError("exchange.not_an_object", found=excerpt(document))
        self.document: dict[str, Any] = document
        self._path = path

    def text(self, name: str) -> str:
        """A text that says something; "" where there is none."""
        if name not in self.document:
            return ""
        found = self.document[name]
        if not isinstance(found, str) or not found:
            raise self._mistake("exchange.not_text", name)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A text, or a list of at least one; () where there is none."""
        if name not in self.document:
            return ()
        found = self.document[name]
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not listed:
            raise self._mistake("exchange.not_texts", name)
        if not all(isinstance(one, str) and one for one in listed):
            raise self._mistake("exchange.not_texts", name)
        return tuple(listed)

    def object(self, name: str) -> "_Members | None":
        """An object; None where there is none."""
        if name not in self.document:
            return None
        return _Members(self.document[name], f"{name}.")

    def objects(self, name: str) -> list["_Members"]:
        """A list of at least one object; [] where there is none."""
        if name not in self.document:
            return []
        found = self.document[name]
        if not isinstance(found, list) or not found:
            raise self._mistake("exchange.not_objects", name)
        return [_Members(one, f"{name}.") for one in found]

    def level(self, name: str, otherwise: int) -> int:
        """A number of levels, 1 at least."""
        if name not in self.document:
            return otherwise
        found = self.document[name]
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise self._mistake("exchange.not_a_level", name)
        return found

    def _mistake(self, code: str, name: str) -> BadRequestDataError:
        return BadRequestDataError(code, name=self._path + name, found=excerpt(self.document[name]))


def _order(ordering: _Members) -> OrderAsked:
    origin = ordering.document.get("coordinates")
    if origin is not None and not isinstance(origin, list):
        raise BadRequestDataError("exchange.order_from_unreadable")
    return OrderAsked(
        by=",".join(ordering.texts("orderBy")),
        origin=origin,
        geometry=ordering.text("geometry"),
        collation=ordering.text("collation"),
    )


def _place(parameters: Mapping[str, str]) -> PlaceAsked | None:
    told = [parameters.get(name, "") for name in ("georel", "geometry", "coordinates")]
    if not any(told):
        return None
    if not all(told):
        raise BadRequestDataError("exchange.place_incomplete")
    return PlaceAsked(
        georel=told[0],
        geometry=told[1],
        coordinates=told[2],
        geoproperty=parameters.get("geoproperty", ""),
    )


def _join_level(text: str) -> int:
    if not text:
        return 1
    if not text.isdecimal() or not int(text[:9]) >= 1:
        raise BadRequestDataError("exchange.not_a_level", name="joinLevel", found=excerpt(text))
    return int(text[:9])


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _flag(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else ""
