"""The platform's own pages for visitors."""

import re
from pathlib import Path

import pytest

from beffroi.delivery.visitor_pages import VisitorPage, pages_written, write_pages
from beffroi.kernel.catalogue import Language


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pages(tmp_path / "pages")
    return tmp_path / "pages"


@pytest.mark.parametrize("page", VisitorPage)
@pytest.mark.parametrize("language", Language)
def test_every_page_is_one_small_file_in_each_language(
    folder: Path, page: VisitorPage, language: Language
) -> None:
    text = (folder / f"{page}.{language}.html").read_text()

    assert f'<html lang="{language}">' in text
    assert len(text) < 2000
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    assert text.count("<h1>") == text.count("<main>") == 1


def test_the_pages_say_different_things_in_each_language(folder: Path) -> None:
    texts = {path.read_text() for path in folder.iterdir()}

    assert len(texts) == len(VisitorPage) * len(Language)


def test_a_missing_or_edited_page_is_noticed(folder: Path) -> None:
    assert pages_written(folder)

    (folder / "unknown.fr.html").write_text("edited")
    assert not pages_written(folder)

    write_pages(folder)
    assert pages_written(folder)

    (folder / "stopped.en.html").unlink()
    assert not pages_written(folder)
