"""Answer what is not a page: search, pictures, robots, missing addresses."""

from pathlib import PurePosixPath

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.static import serve
from wagtail.models import Page

from pages.search_words import without_accents

RESULTS_PER_PAGE = 10
QUERY_LENGTH = 100
# The documents are kept under access rules: Wagtail's own view serves them.
PUBLIC_MEDIA_FOLDERS = {"images", "original_images"}


# The words are the visitor's own: no shared cache has to keep every combination of them.
@require_safe
@cache_control(private=True, max_age=60)
def search(request: HttpRequest) -> HttpResponse:
    """Find the public pages that answer the words typed by a visitor."""
    words = request.GET.get("q", "").strip()[:QUERY_LENGTH]
    pages = Page.objects.live().public()
    found = pages.search(without_accents(words)) if words else pages.none()
    results = Paginator(found, RESULTS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "pages/search.html", {"words": words, "results": results})


# Wagtail gives a replaced picture another name, so a name never changes its content.
@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def media(request: HttpRequest, name: str) -> FileResponse | HttpResponse:
    """Serve one picture of the media volume."""
    if PurePosixPath(name).parts[0] not in PUBLIC_MEDIA_FOLDERS:
        raise Http404(name)
    return serve(request, name, document_root=settings.MEDIA_ROOT)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Tell the crawlers where not to go and where the map of the site is."""
    lines = [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /recherche/",
        f"Sitemap: {settings.PUBLIC.url}/sitemap.xml",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address with a way back."""
    return render(request, "pages/not_found.html", status=404)
