"""What a Query document says of the form of its answer, told as parameters.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.23 and 6.23.
"""

from collections.abc import Mapping
from typing import Final

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json

_LISTS: Final = ("datasetId", "containedBy", "jsonKeys")
_TEXTS: Final = ("lang", "geometryProperty")


def form_parameters(document: Json) -> Mapping[str, str]:
    """Return the parameters of GET /entities that members of a Query stand for.

    Raises:
        BadRequestDataError: A member is not what it has to be.
    """
    if not isinstance(document, dict):
        return {}
    told = {name: _listed(name, document[name]) for name in _LISTS if name in document}
    told |= {name: _text(name, document[name]) for name in _TEXTS if name in document}
    return told


def _listed(name: str, value: Json) -> str:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        raise BadRequestDataError("exchange.query_member_not_texts", name=name)
    return ",".join(values)


def _text(name: str, value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequestDataError("exchange.query_member_not_text", name=name)
    return value
