"""What the standard has and beffroi has not yet.

Source: ETSI GS CIM 009 v1.9.1, clause 4.3.6.1 and table 6.3.2-1.
"""

from collections.abc import Sequence
from typing import Final

from beffroi.exchange.api.answers import Answer
from beffroi.exchange.api.documents import PATCHES
from beffroi.exchange.api.media_types import accepted_type, sent_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.errors import OperationNotSupportedError

_METHODS: Final = {
    "csourceRegistrations": ("GET", "POST", "DELETE"),
    "csourceRegistrations/*": ("GET", "PATCH", "PUT", "DELETE"),
    "csourceSubscriptions": ("GET", "POST"),
    "csourceSubscriptions/*": ("GET", "PATCH", "PUT", "DELETE"),
    "entityMaps": ("GET", "POST"),
    "entityMaps/*": ("GET", "PATCH", "PUT", "DELETE"),
    "entities/*/entityMaps": ("GET",),
    "snapshots": ("GET", "POST", "DELETE"),
    "snapshots/*": ("GET", "PATCH", "DELETE"),
    "snapshots/*/clone": ("POST",),
}


def routes() -> Sequence[Route]:
    """Return what is answered here: whatever its parameters, that it is not there."""
    return [
        Route(method, path, _refused, parameters=None)
        for path, methods in _METHODS.items()
        for method in methods
    ]


async def _refused(request: Request) -> Answer:
    if request.body:
        sent_type(request, PATCHES)
    accepted_type(request)
    raise OperationNotSupportedError("exchange.not_supported", path=request.path[:80])
