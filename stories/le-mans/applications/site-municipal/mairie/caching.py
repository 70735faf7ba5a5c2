"""Tell shared caches what they may keep.

Pages that no cookie changes are public and carry tags that say what they show; what changes them
purges those tags (``pages.invalidation``), so that they may be kept for a day.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import has_vary_header

from beffroi_django import add_tags
from pages.tags import ADDRESSES_WITHOUT_PAGE, MENU, SITEMAP, document_tag

VISITOR_FRESHNESS_S = 60
SHARED_FRESHNESS_S = {200: 86_400, 301: 86_400, 404: 3600}


def is_same_for_everyone(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a shared cache may give this response to any visitor."""
    return (
        request.method in {"GET", "HEAD"}
        and response.status_code in SHARED_FRESHNESS_S
        and not response.cookies
        and not has_vary_header(response, "Cookie")
        and not response.has_header("Cache-Control")
    )


def add_tags_of_address(request: HttpRequest, response: HttpResponse) -> None:
    """Tag what is no page: the map of the site, documents, addresses without page."""
    match = request.resolver_match
    if response.status_code != 200:
        add_tags(response, ADDRESSES_WITHOUT_PAGE, MENU)
    elif match is not None and match.url_name == "sitemap":
        add_tags(response, SITEMAP)
    elif match is not None and match.url_name == "wagtaildocs_serve":
        add_tags(response, document_tag(match.captured_kwargs["document_id"]))


class SharedCacheMiddleware:
    """Add the cache headers once sessions and forms have had their say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if is_same_for_everyone(request, response):
            shared_s = SHARED_FRESHNESS_S[response.status_code]
            response["Cache-Control"] = (
                f"public, max-age={VISITOR_FRESHNESS_S}, s-maxage={shared_s}"
            )
            add_tags_of_address(request, response)
            return response
        del response["Cache-Groups"]
        if not response.has_header("Cache-Control") and response.status_code == 200:
            response["Cache-Control"] = "private, no-store"
        return response
