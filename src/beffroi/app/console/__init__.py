"""The console's shell: navigation, sign-in, language, errors."""

from beffroi.app.console.errors import error_page
from beffroi.app.console.routes import routes, template_config

__all__ = ["error_page", "routes", "template_config"]
