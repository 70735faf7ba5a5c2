"""Answers, and problems in the one shape that they have."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import Json
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import BeffroiError

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"
PROBLEM_JSON: Final = "application/problem+json"
_ENCODER: Final = msgspec.json.Encoder()

Header = tuple[bytes, bytes]
_TOLD_WITH: Final[dict[HTTPStatus, tuple[Header, ...]]] = {
    HTTPStatus.UNAUTHORIZED: ((b"www-authenticate", b"Bearer"),),
    HTTPStatus.SERVICE_UNAVAILABLE: ((b"retry-after", b"5"),),
}


class Answer(msgspec.Struct, frozen=True):
    """What goes back.

    Attributes:
        headers: Beyond those that every answer has.
    """

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


NO_CONTENT: Final = Answer(HTTPStatus.NO_CONTENT)


class BareStatusError(Exception):
    """The request is refused by a status alone, as the standard has it for 406, 411 and 415."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


def answered(
    document: Json,
    media_type: str = JSON,
    *,
    status: int = HTTPStatus.OK,
    headers: Sequence[Header] = (),
) -> Answer:
    """Answer a document."""
    content_type = (b"content-type", media_type.encode())
    return Answer(status, _ENCODER.encode(document), (content_type, *headers))


def created(path: str) -> Answer:
    """Answer that something is there now.

    Args:
        path: Where.
    """
    return Answer(HTTPStatus.CREATED, b"", ((b"location", path.encode()),))


def problem(error: BeffroiError, language: Language) -> dict[str, Any]:
    """Tell an error as the standard's ProblemDetails, with the remedy."""
    kind = error.problem if isinstance(error, ExchangeError) else f"urn:beffroi:error:{error.code}"
    return {
        "type": kind,
        "title": error.code,
        "status": error.status,
        "detail": error.message(language),
        "remedy": error.remedy(language),
    }


def refused(error: BeffroiError, language: Language) -> Answer:
    """Answer an error."""
    return answered(
        problem(error, language),
        PROBLEM_JSON,
        status=error.status,
        headers=_TOLD_WITH.get(HTTPStatus(error.status), ()),
    )


def language_of(accepted: str) -> Language:
    """Choose the language of sentences from Accept-Language; French where it names none of ours."""
    for part in accepted.split(","):
        wanted = part.strip()[:2].lower()
        if wanted in set(Language):
            return Language(wanted)
    return Language.FR
