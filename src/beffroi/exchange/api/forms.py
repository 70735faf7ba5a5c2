"""Which form of entities a request asks for.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.4, 4.5.16, 4.15, 4.21, 6.3.7, 6.3.11 and 6.3.20.
"""

from typing import Final

from beffroi.exchange.api.prefer import preferences
from beffroi.exchange.api.requests import Request
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import InvalidRequestError
from beffroi.exchange.model import LOCATION, Iri
from beffroi.exchange.query.inquiry import Inquiry
from beffroi.exchange.representation.languages import read_languages
from beffroi.exchange.representation.names import (
    DEFAULT_DATASET,
    attribute_iri,
    checked_dataset,
)
from beffroi.exchange.representation.writing import Form, Style

PARAMETERS: Final = frozenset(
    {
        *("attrs", "options", "format", "lang", "pick", "omit", "datasetId"),
        *("geometryProperty", "jsonKeys"),
    }
)
"""Parameters that a form is made of."""

_STYLES: Final = {
    "normalized": Style.NORMALIZED,
    "concise": Style.CONCISE,
    "keyValues": Style.SIMPLIFIED,
    "simplified": Style.SIMPLIFIED,
}
_ALWAYS: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)
SYS_ATTRS: Final = "sysAttrs"


def read_form(request: Request, inquiry: Inquiry) -> Form:
    """Read the form that a request asks for.

    Args:
        request: Says it.
        inquiry: Its names of members, read.

    Raises:
        InvalidRequestError: A parameter has a value that it cannot have.
    """
    given = request.parameters
    options = read_options(request, frozenset({*_STYLES, SYS_ATTRS}))
    lang = given.get("lang")
    pick = None if inquiry.pick is None else inquiry.pick.picked
    if inquiry.attributes:
        pick = inquiry.attributes | _ALWAYS
    return Form(
        style=_style(given.get("format"), options),
        sys_attrs=SYS_ATTRS in options,
        languages=() if lang is None else read_languages(lang),
        pick=pick,
        omit=frozenset() if inquiry.omit is None else inquiry.omit.names,
        dataset_ids=_datasets(request),
        as_properties=preferences(request).as_properties,
    )


def read_options(request: Request, known: frozenset[str]) -> frozenset[str]:
    """Read the options of a request.

    Raises:
        InvalidRequestError: One of them means nothing here.
    """
    options = frozenset(request.listed("options"))
    unknown = options - known
    if unknown:
        raise InvalidRequestError(
            "exchange.option_unknown",
            found=min(unknown)[:80],
            known=", ".join(sorted(known)),
        )
    return options


def geometry_property(request: Request, context: Context) -> Iri:
    """Return the attribute that a Feature takes its geometry from.

    Raises:
        BadRequestDataError: No attribute can be called so.
    """
    name = request.parameters.get("geometryProperty")
    return LOCATION if name is None else attribute_iri(name, context)


def _style(named: str | None, options: frozenset[str]) -> Style:
    if named is not None:
        if named not in _STYLES:
            raise InvalidRequestError(
                "exchange.format_unknown", found=named[:80], known=", ".join(_STYLES)
            )
        return _STYLES[named]
    asked = {_STYLES[one] for one in options if one in _STYLES}
    if len(asked) > 1:
        raise InvalidRequestError("exchange.formats_several", found=", ".join(sorted(asked)))
    return next(iter(asked), Style.NORMALIZED)


def _datasets(request: Request) -> frozenset[str] | None:
    if "datasetId" not in request.parameters:
        return None
    return frozenset(
        "" if one == DEFAULT_DATASET else checked_dataset(one, "datasetId")
        for one in request.listed("datasetId")
    )
