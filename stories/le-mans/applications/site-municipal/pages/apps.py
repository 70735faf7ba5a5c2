"""Register the municipal pages with Django."""

from importlib import import_module

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The pages of a French commune's site."""

    name = "pages"
    verbose_name = "Pages municipales"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the signal receivers, which need every model to be loaded first."""
        import_module("pages.invalidation")
