"""Found the site on its first day and follow the platform's public address every day."""

import os
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from wagtail.models import Site

from beffroi_django import batched
from founding.foundation import found_site
from pages.models import HomePage

ADMIN_NAME = "mairie"
# Any constant does, as long as two deployments share it.
SEED_LOCK = 720181


class Command(BaseCommand):
    """Create what is missing and never touch what the editors wrote."""

    help = "Crée le site s'il est vide ; met à jour son adresse publique."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the three steps in one transaction, one deployment at a time."""
        with batched(), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEED_LOCK])
            changes = [*self.found_if_empty(), *self.follow_address(), *self.add_administrator()]
        self.stdout.write("; ".join(changes) or "nothing to change")

    def found_if_empty(self) -> list[str]:
        """Create the pages when the site has no home page."""
        if HomePage.objects.exists():
            return []
        home = found_site()
        return [f"founded the site with {home.get_descendant_count() + 1} pages"]

    def follow_address(self) -> list[str]:
        """Give the default Wagtail site the host and the port of the public URL."""
        site = Site.objects.get(is_default_site=True)
        wanted = (settings.PUBLIC.hostname, settings.PUBLIC.port)
        if (site.hostname, site.port) == wanted:
            return []
        site.hostname, site.port = wanted
        site.save()
        return [f"the site answers at {wanted[0]}:{wanted[1]}"]

    def add_administrator(self) -> list[str]:
        """Create the first account; its password is then the administrator's own affair."""
        accounts = get_user_model().objects
        if accounts.filter(username=ADMIN_NAME).exists():
            return []
        password = os.environ["WAGTAIL_ADMIN_PASSWORD"]
        accounts.create_superuser(ADMIN_NAME, "mairie@ville.example", password)
        return [f"created the account {ADMIN_NAME}"]
