"""Errors as ``application/problem+json`` (RFC 9457), made in one place."""

import logging
import secrets
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import (
    BeffroiError,
    FailedError,
    InvalidInputError,
    NotFoundError,
)

_logger = logging.getLogger(__name__)
PROBLEM_MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an API answers when it cannot do what was asked.

    Attributes:
        type: ``urn:beffroi:error:`` and the code.
        title: The code, stable.
        detail: What happened, to what, with which values.
        remedy: What to do next.
        findings: Each mistake, where there may be several.
    """

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    findings: tuple[dict[str, Any], ...] = ()


def problem_of(error: BeffroiError, language: Language) -> Problem:
    """Tell an error in a language."""
    return Problem(
        type=f"urn:beffroi:error:{error.code}",
        title=error.code,
        status=error.status,
        detail=error.message(language),
        remedy=error.remedy(language),
        findings=error.findings(language),
    )


def problem_response(request: Request[Any, Any, Any], raised: Exception) -> Response[Problem]:
    """Answer an API request that ended in an exception."""
    error = as_beffroi_error(raised, request)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return Response(
        problem_of(error, language_of(request)),
        status_code=error.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=headers,
    )


def as_beffroi_error(raised: Exception, request: Request[Any, Any, Any]) -> BeffroiError:
    """Turn any exception into an error that may be shown; log what nobody foresaw."""
    match raised:
        case BeffroiError():
            return raised
        case ValidationException():
            return InvalidInputError("kernel.request_invalid", reason=_reason(raised))
        case NotFoundException():
            return NotFoundError("kernel.page_unknown")
        case MethodNotAllowedException():
            return _MethodUnknownError("kernel.method_unknown", method=request.method)
        case HTTPException(status_code=status) if status < 500:
            return InvalidInputError("kernel.request_invalid", reason=raised.detail)
    reference = secrets.token_hex(4)
    _logger.error(
        "BUG in request reference=%s method=%s path=%s",
        reference,
        request.method,
        request.url.path,
        exc_info=raised,
    )
    return FailedError("kernel.bug", reference=reference)


def language_of(request: Request[Any, Any, Any]) -> Language:
    """Choose the language: the ``language`` cookie, then Accept-Language, then French."""
    chosen = request.cookies.get("language", "")
    accepted = request.headers.get("accept-language", "").split(",")
    for wanted in (chosen, *(part.strip()[:2].lower() for part in accepted)):
        if wanted in set(Language):
            return Language(wanted)
    return Language.FR


class _MethodUnknownError(BeffroiError):
    status = 405


def _reason(raised: ValidationException) -> str:
    if isinstance(raised.extra, list):
        return "; ".join(
            f"{entry.get('key', '')} {entry.get('message', '')}".strip()
            for entry in raised.extra
            if isinstance(entry, dict)
        )
    return raised.detail
