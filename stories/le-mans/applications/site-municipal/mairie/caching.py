"""Tell shared caches what they may keep, and what a publication makes stale.

Pages that no cookie changes are marked public and put in the cache group ``site``. A response to an
editor's change names that group in ``Cache-Group-Invalidation`` (RFC 9875), so that the accelerator
in front of the application forgets them without any call over the network.
"""

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import has_vary_header

CACHE_GROUP = '"site"'
VISITOR_FRESHNESS_S = 60
# A scheduled publication happens outside any request: this bounds how long it stays unseen.
SHARED_FRESHNESS_S = {200: 900, 404: 60}

_content_changed: ContextVar[bool] = ContextVar("content_changed", default=False)


def note_content_change(**_signal: object) -> None:
    """Remember, as a signal receiver, that this request changed what visitors see."""
    _content_changed.set(True)


def is_same_for_everyone(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a shared cache may give this response to any visitor."""
    return (
        request.method in {"GET", "HEAD"}
        and response.status_code in SHARED_FRESHNESS_S
        and not response.cookies
        and not has_vary_header(response, "Cookie")
        and not response.has_header("Cache-Control")
    )


class SharedCacheMiddleware:
    """Add the cache headers once sessions and forms have had their say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _content_changed.set(False)
        try:
            response = self.get_response(request)
            if _content_changed.get():
                response["Cache-Group-Invalidation"] = CACHE_GROUP
        finally:
            _content_changed.reset(token)
        if is_same_for_everyone(request, response):
            shared_s = SHARED_FRESHNESS_S[response.status_code]
            response["Cache-Control"] = (
                f"public, max-age={VISITOR_FRESHNESS_S}, s-maxage={shared_s}"
            )
            response["Cache-Groups"] = CACHE_GROUP
        elif not response.has_header("Cache-Control") and response.status_code == 200:
            response["Cache-Control"] = "private, no-store"
        return response
