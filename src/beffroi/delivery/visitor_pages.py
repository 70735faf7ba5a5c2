"""The platform's own pages: what visitors read when an application does not answer them."""

from enum import StrEnum
from pathlib import Path

from beffroi.delivery.rendering import rendered
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.places import hand_over


class VisitorPage(StrEnum):
    """Why a visitor reads a page of the platform."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    FAILING = "failing"
    MISSING = "missing"
    WAKING = "waking"
    BUSY = "busy"


def write_pages(folder: Path) -> None:
    """Write every page in every language."""
    hand_over(folder, None, 0o755)
    for name, text in _pages().items():
        fresh = folder / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(folder / name)


def pages_written(folder: Path) -> bool:
    """Tell whether every page is there as it should read."""
    try:
        return all((folder / name).read_text("utf-8") == text for name, text in _pages().items())
    except FileNotFoundError:
        return False


def _pages() -> dict[str, str]:
    return {
        f"{page}.{language}.html": _rendered_page(page, language)
        for page in VisitorPage
        for language in Language
    }


def _rendered_page(page: VisitorPage, language: Language) -> str:
    parts = {
        part: sentence(language, f"delivery.pages.{page}.{part}")
        for part in ("title", "message", "remedy")
    }
    return rendered(
        "visitor.html.j2", language=language, reloads=page is VisitorPage.WAKING, **parts
    )
