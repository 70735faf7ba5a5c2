"""Which representation somebody gets, and which one they sent.

Source: ETSI GS CIM 009 v1.9.1, clause 6.3.4; RFC 9110, sections 12.4.2 and 12.5.1.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from beffroi.exchange.api.answers import GEO_JSON, JSON, LD_JSON, BareStatusError
from beffroi.exchange.api.requests import Request

MERGE_PATCH_JSON: Final = "application/merge-patch+json"
PLAIN: Final = (JSON, LD_JSON)
"""What every operation can answer, the first preferred."""
GEOGRAPHIC: Final = (JSON, LD_JSON, GEO_JSON)
_WEIGHT: Final = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def accepted_type(request: Request, offered: tuple[str, ...] = PLAIN) -> str:
    """Choose the representation of an answer.

    Raises:
        BareStatusError: None that is offered is accepted.
    """
    accept = request.headers.get(b"accept")
    if accept is None or accept == b"*/*":
        return offered[0]
    chosen = _chosen(accept.decode("latin-1"), offered)
    if chosen is None:
        raise BareStatusError(HTTPStatus.NOT_ACCEPTABLE)
    return chosen


def sent_type(request: Request, known: Sequence[str] = PLAIN) -> str:
    """Return the media type of a body, without its parameters.

    Raises:
        BareStatusError: It is not one of those known.
    """
    found = request.header(b"content-type").partition(";")[0].strip().lower()
    if found not in known:
        raise BareStatusError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return found


@lru_cache(maxsize=512)
def _chosen(accept: str, offered: tuple[str, ...]) -> str | None:
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    best, best_weight = None, 0.0
    for one in offered:
        weight = _weight(one, ranges)
        if weight > best_weight:
            best, best_weight = one, weight
    return best


def _range(text: str) -> tuple[str, float]:
    name, *parameters = text.split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q" and _WEIGHT.fullmatch(value.strip()):
            return name.strip().lower(), float(value)
    return name.strip().lower(), 1.0


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight that the range gives which names the type most closely."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        for name, weight in ranges:
            if name == wanted:
                return weight
    return 0.0
