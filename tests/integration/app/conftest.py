"""A wired platform, shared with the tests of the console."""

from tests.integration.console.conftest import platform

__all__ = ["platform"]
