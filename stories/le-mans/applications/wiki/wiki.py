"""Serve the wiki behind the platform's proxy.

The environment variable ``OTTERWIKI_SETTINGS`` must name ``settings.py``: Otter Wiki reads it while
it is imported.
"""

from otterwiki.server import app
from werkzeug.middleware.proxy_fix import ProxyFix

app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
application = app
