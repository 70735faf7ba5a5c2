"""Sentences that people read, by key and language.

Each package keeps ``locale/fr.toml`` and ``locale/en.toml``. The key ``hosting.release.title``
is the entry ``release.title`` of the package ``beffroi.hosting``.
"""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Language(StrEnum):
    """The languages of the platform, the first one leading."""

    FR = "fr"
    EN = "en"


def sentence(language: Language, key: str, /, **values: object) -> str:
    """Return the sentence of a key with its values filled in.

    Raises:
        KeyError: The key is in no catalogue; a shape test keeps this from being shipped.
    """
    package, _, entry = key.partition(".")
    return entries(package, language)[entry].format(**values)


@cache
def entries(package: str, language: Language) -> dict[str, str]:
    """Read one package's catalogue, nested tables flattened to dotted keys."""
    source = files(f"beffroi.{package}").joinpath("locale", f"{language}.toml")
    return dict(_flattened("", tomllib.loads(source.read_text(encoding="utf-8"))))


def _flattened(prefix: str, table: dict[str, object]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            pairs.extend(_flattened(f"{prefix}{name}.", value))
        else:
            pairs.append((prefix + name, str(value)))
    return pairs
