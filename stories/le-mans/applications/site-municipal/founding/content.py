"""Read the French texts of the first day from the TOML files of this folder."""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# French typography: a line never starts with one of these marks, nor breaks inside "8 h 30".
UNBREAKABLE_SPACE = re.compile(r" (?=[:;?!»])|(?<=\d) (?=h\b)|(?<=\bh) (?=\d)")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class FoundingService:
    """The first content of one service page; ``scene`` names its illustration."""

    slug: str
    title: str
    summary: str
    scene: str
    body: str
    address: str
    opening_hours: str
    phone: str
    email: str


@dataclass(frozen=True)
class FoundingNews:
    """The first content of one news page; ``category`` is a value of ``NewsCategory``."""

    slug: str
    title: str
    day: date
    category: str
    summary: str
    scene: str
    body: str


@dataclass(frozen=True)
class FoundingHome:
    """The first content of the home page."""

    title: str
    headline: str
    introduction: str
    notice: str
    scene: str


@dataclass(frozen=True)
class FoundingIndex:
    """The first content of a list of pages."""

    title: str
    slug: str
    introduction: str


@dataclass(frozen=True)
class FoundingText:
    """The first content of a page of plain text."""

    title: str
    slug: str
    body: str


@dataclass(frozen=True)
class FoundingContact:
    """The first contact form; each field holds the columns of ``ContactField``."""

    title: str
    slug: str
    introduction: str
    thanks: str
    fields: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class FoundingContent:
    """Everything that the site is founded with."""

    home: FoundingHome
    services_index: FoundingIndex
    services: tuple[FoundingService, ...]
    news_index: FoundingIndex
    news: tuple[FoundingNews, ...]
    contact: FoundingContact
    plain: tuple[FoundingText, ...]


def read_content() -> FoundingContent:
    """Read the three files; an unknown or a missing key raises ``TypeError``."""
    texts = _read("texts.toml")
    return FoundingContent(
        home=FoundingHome(**texts["home"]),
        services_index=FoundingIndex(**texts["services"]),
        services=tuple(FoundingService(**row) for row in _read("services.toml")["service"]),
        news_index=FoundingIndex(**texts["news"]),
        news=tuple(FoundingNews(**row) for row in _read("news.toml")["news"]),
        contact=FoundingContact(**texts["contact"]),
        plain=tuple(FoundingText(**row) for row in texts["plain"]),
    )


def _read(name: str) -> dict[str, Any]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return tomllib.loads(UNBREAKABLE_SPACE.sub(NO_BREAK_SPACE, text))
