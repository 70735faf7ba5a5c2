"""Purge pages that Wagtail publishes: a backend of ``wagtail.contrib.frontend_cache``.

Copy this file, ``beffroi_django.py`` and ``beffroi_pages.py`` into the project, then::

    INSTALLED_APPS = [..., "wagtail.contrib.frontend_cache"]
    WAGTAILFRONTENDCACHE = {"beffroi": {"BACKEND": "beffroi_wagtail.WagtailBackend"}}
"""

from collections.abc import Iterable

from wagtail.contrib.frontend_cache.backends import BaseBackend

from beffroi_django import purge_later


class WagtailBackend(BaseBackend):
    """Forgets the addresses that Wagtail names, every query of each."""

    def purge(self, url: str) -> None:
        """Forget one address."""
        self.purge_batch([url])

    def purge_batch(self, urls: Iterable[str]) -> None:
        """Forget addresses, once what makes them stale is committed."""
        purge_later(urls=urls)
