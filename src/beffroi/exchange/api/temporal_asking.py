"""What a request asks of history: which instances, in which form.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.9, 4.5.19, 5.2.21, 5.2.23, 5.2.44 and 6.3.12.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.exchange.api import forms
from beffroi.exchange.api.requests import Request
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import SCOPE, Iri, Json
from beffroi.exchange.query.inquiry import Inquiry
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.temporal.model import Aggregation, Selection, TimeProperty
from beffroi.exchange.temporal.parameters import (
    PARAMETERS,
    read_aggregation,
    read_last,
    read_times,
)
from beffroi.exchange.temporal.writing import Shape, TemporalForm

FORM_PARAMETERS: Final = frozenset(
    {*PARAMETERS, "attrs", "options", "format", "lang", "pick", "omit", "datasetId"}
)
"""Parameters that are read here."""

_AUDIT: Final = "audit"
_OPTIONS: Final = frozenset({*Shape, forms.SYS_ATTRS, _AUDIT})
_NO_ATTRIBUTES: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt", "@context"}
)
_PARTS: Final = ("temporalQ", "aggrParams")
_AGGREGATION: Final = ("aggrMethods", "aggrPeriodDuration")


class AskedHistory(msgspec.Struct, frozen=True):
    """Which instances, and in which form."""

    selection: Selection
    form: TemporalForm


def read_asked(
    request: Request,
    inquiry: Inquiry,
    told: Mapping[str, Json] | None = None,
    *,
    times_needed: bool = False,
) -> AskedHistory:
    """Read what a request asks of history.

    Args:
        request: Whose parameters tell the form.
        inquiry: Its names of members, read.
        told: What is said of times and figures; nothing: the parameters say it.
        times_needed: A time has to be told.

    Raises:
        InvalidRequestError: A parameter has a value that it cannot have.
        BadRequestDataError: A time or a figure cannot be one.
    """
    given = request.parameters if told is None else told
    options = forms.read_options(request, _OPTIONS)
    shape = _shape(request.parameters.get("format"), options, given)
    times = read_times(given, needed=times_needed, audit=_AUDIT in options)
    aggregation: Aggregation | None = None
    if shape is Shape.AGGREGATED:
        aggregation = read_aggregation(given)
        if times.property is TimeProperty.DELETED_AT:
            raise BadRequestDataError("exchange.time_not_for_figures")
    plain = {
        name: value
        for name, value in request.parameters.items()
        if name not in {"options", "format"}
    }
    members = msgspec.structs.replace(
        forms.read_form(msgspec.structs.replace(request, parameters=plain), inquiry),
        sys_attrs=bool(options & {forms.SYS_ATTRS, _AUDIT}),
    )
    selection = Selection(
        times=times,
        attributes=None if members.pick is None else _attributes(members.pick),
        having=inquiry.attributes or None,
        without=_attributes(members.omit),
        dataset_ids=members.dataset_ids,
        last=read_last(given),
        aggregation=aggregation,
    )
    form = TemporalForm(
        shape=shape, members=members, property=times.property, aggregation=aggregation
    )
    return AskedHistory(selection, form)


def split_document(document: Json) -> tuple[Json, Mapping[str, Json]]:
    """Split a Query about history into the Query and what it says of times and figures.

    Raises:
        BadRequestDataError: Of these it says something that is no object.
    """
    if not isinstance(document, dict):
        return document, {}
    told: dict[str, Json] = {}
    for name in _PARTS:
        part = document.get(name, {})
        if not isinstance(part, dict):
            raise BadRequestDataError("exchange.not_an_object", found=excerpt(part))
        told.update(part)
    return {name: value for name, value in document.items() if name not in _PARTS}, told


def _shape(named: str | None, options: frozenset[str], given: Mapping[str, Json]) -> Shape:
    if named is not None:
        try:
            return Shape(named)
        except ValueError as error:
            raise InvalidRequestError(
                "exchange.format_unknown", found=named[:80], known=", ".join(Shape)
            ) from error
    asked = {one for one in Shape if one in options}
    if len(asked) > 1:
        raise InvalidRequestError("exchange.formats_several", found=", ".join(sorted(asked)))
    if asked:
        return asked.pop()
    return Shape.AGGREGATED if any(one in given for one in _AGGREGATION) else Shape.NORMALIZED


def _attributes(members: frozenset[str]) -> frozenset[Iri]:
    found = members - _NO_ATTRIBUTES
    return found | {SCOPE} if "scope" in members else found
