"""Pages come out of a template and its data: the same bytes, whatever the text."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from beffroi.kernel.errors import FailedError
from beffroi.kernel.typesetting import Standard, Typesetter, printable
from tests.support.pdf_reading import text_of

MADE_AT = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: "Essai")
#set text(lang: "fr")
#title()
#data.text
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Write a template."""
    file = tmp_path / "page.typ"
    file.write_text(TEMPLATE, encoding="utf-8")
    return file


def test_a_page_says_its_data_and_its_time(template: Path) -> None:
    page = Typesetter(template).typeset({"text": "Dû : 1 € & #rien"}, made_at=MADE_AT)
    assert "Dû : 1 € & #rien" in text_of(page)
    metadata = PdfReader(BytesIO(page)).metadata
    assert metadata is not None
    assert metadata.creation_date == MADE_AT


def test_the_same_data_and_time_give_the_same_bytes(template: Path) -> None:
    made = {Typesetter(template).typeset({"text": "x"}, made_at=MADE_AT) for _ in range(2)}
    assert len(made) == 1


@pytest.mark.parametrize(
    "text", ["日本", "😀👩‍👩‍👧", "a\x00b\x1f", "\ud800", "\x7f\x85", "日" * 300]
)
def test_what_no_font_shows_is_replaced_and_the_rest_stays(template: Path, text: str) -> None:
    page = Typesetter(template).typeset({"text": f"avant {text} après"}, made_at=MADE_AT)
    read = text_of(page)
    assert "avant" in read
    assert "après" in read


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60))
def test_any_text_becomes_a_page(template: Path, text: str) -> None:
    page = Typesetter(template, (Standard.ARCHIVE,)).typeset({"text": text}, made_at=MADE_AT)
    assert page.startswith(b"%PDF-1.7")


def test_a_template_that_does_not_compile_is_told_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "broken.typ"
    file.write_text("#nothing", encoding="utf-8")
    with pytest.raises(FailedError) as failed:
        Typesetter(file).typeset({}, made_at=MADE_AT)
    assert failed.value.code == "kernel.typesetting_failed"
    assert failed.value.values["template"] == "broken.typ"


def test_control_characters_are_not_printable_and_line_ends_are() -> None:
    assert printable("a\x00b\n\tc\x1b") == "a\ufffdb\n\tc\ufffd"


def test_a_time_counts_to_the_second(template: Path) -> None:
    whole, parted = MADE_AT, MADE_AT.replace(microsecond=123_456)
    pages = {Typesetter(template).typeset({"text": "x"}, made_at=one) for one in (whole, parted)}
    assert len(pages) == 1
