"""Give every template the menu of the site."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from wagtail.models import Page, Site


def menu_pages(request: HttpRequest) -> list[Page]:
    """List the live children of the home page that the editors put in the menu."""
    site = Site.find_for_request(request)
    if site is None:
        return []
    return list(site.root_page.get_children().live().in_menu())


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Add the menu, read from the database only by the templates that show it."""
    return {"menu": SimpleLazyObject(lambda: menu_pages(request))}
