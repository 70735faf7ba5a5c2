"""Expose the municipal site to a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mairie.settings")

application = get_wsgi_application()
# The URL map imports every view: load it before the first visitor, not for them.
get_resolver().url_patterns  # noqa: B018
