"""Headers that keep other sites' content and frames away from the console."""

from collections.abc import Mapping
from typing import Final

_POLICY = (
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
# A stricter Referrer-Policy would make browsers send forms with «Origin: null».
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-cache",
}
UNKEPT: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
