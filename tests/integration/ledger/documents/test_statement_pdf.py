"""Statements are tagged archives that say every line, in both languages, whatever the names."""

from datetime import UTC
from decimal import Decimal
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from beffroi.kernel.catalogue import Language
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.statement_pdf import statement_pdf
from beffroi.ledger.model import Statement, StatementState
from tests.support.document_requests import request_of
from tests.support.drancy_statements import DIGEST, drancy_statements
from tests.support.pdf_reading import catalog_of, fonts_outside, properties_of, text_of

TEMPLATE = Path(str(files("beffroi.ledger.documents"))) / "templates" / "statement.typ"
FIRST, OFFICE = drancy_statements()[0], drancy_statements()[3]
ODD = "Ville «Ô» & fils #let x = 1 $a_b$ *gras* @ref \\ <b> עברית مرحبا 日本 😀 \x07"


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    """Load the template once."""
    return Typesetter(TEMPLATE)


def _made(typesetter: Typesetter, statement: Statement, language: Language = Language.FR) -> bytes:
    return statement_pdf(typesetter, statement, request_of([statement], language=language))


def _changed(statement: Statement, **fields: Any) -> Statement:
    return msgspec.structs.replace(statement, **fields)


def test_a_person_reads_every_line_the_sum_and_how_to_check(typesetter: Typesetter) -> None:
    text = text_of(_made(typesetter, FIRST))
    for line in FIRST.lines:
        assert line.title in text
    for told in ("16 422,94 €", "11 698,25 €", "-295,54 €", "0,359159 €", "72 366", "52 g"):
        assert told in text
    assert DIGEST in text.replace(" ", "")
    assert "Ensemble 26 575,76 € 16 718,48 €" in text
    assert "Moitié population, moitié usage" in text


def test_a_body_liable_to_vat_reads_its_vat_and_its_terms(typesetter: Typesetter) -> None:
    text = text_of(_made(typesetter, OFFICE))
    for told in ("177,32 €", "1 063,92 €", "R2192-31", "FR76 3000 1007"):
        assert told in text


def test_the_same_statement_is_written_in_english(typesetter: Typesetter) -> None:
    text = text_of(_made(typesetter, FIRST, Language.EN))
    assert "€16,422.94" in text
    assert "October 2026" in text


def test_a_draft_says_so_and_has_no_number(typesetter: Typesetter) -> None:
    draft = _changed(FIRST, number="", state=StatementState.DRAFT, issued_at=None)
    text = text_of(_made(typesetter, draft))
    assert "PROJET" in text
    assert "NUM-2026" not in text


def test_the_pdf_is_tagged_and_both_an_archive_and_accessible(typesetter: Typesetter) -> None:
    content = _made(typesetter, FIRST)
    told, root = properties_of(content), catalog_of(content)
    assert told["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert told["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "A"
    assert told["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert fonts_outside(content) == []


def test_its_time_is_that_of_the_statement(typesetter: Typesetter) -> None:
    made = PdfReader(BytesIO(_made(typesetter, FIRST))).metadata
    assert made is not None
    assert made.creation_date is not None
    assert made.creation_date.astimezone(UTC) == FIRST.issued_at


@pytest.mark.parametrize("statement", [FIRST, OFFICE], ids=["shares", "rates"])
def test_the_same_statement_gives_the_same_bytes(
    typesetter: Typesetter, statement: Statement
) -> None:
    again = _made(Typesetter(TEMPLATE), statement)
    assert _made(typesetter, statement) == _made(typesetter, statement) == again


def test_names_are_text_and_never_code_of_the_page(typesetter: Typesetter) -> None:
    body = _changed_body(title=ODD, address=(ODD * 3, "#pagebreak()"))
    text = text_of(_made(typesetter, _changed(FIRST, body=body)))
    assert "#let x = 1 $a_b$ *gras* @ref \\ <b>" in text
    assert "\N{REPLACEMENT CHARACTER}" in text


def test_a_statement_of_many_applications_and_lines_takes_several_pages(
    typesetter: Typesetter,
) -> None:
    usage = tuple(
        msgspec.structs.replace(FIRST.usage[0], application=f"application-{number}")
        for number in range(120)
    )
    lines = tuple(
        msgspec.structs.replace(FIRST.lines[0], number=number, amount_eur=Decimal(number))
        for number in range(1, 90)
    )
    pages = PdfReader(BytesIO(_made(typesetter, _changed(FIRST, usage=usage, lines=lines)))).pages
    assert len(pages) > 5
    assert "application-119" in " ".join(page.extract_text() for page in pages)


def test_a_statement_without_lines_or_use_is_still_a_page(typesetter: Typesetter) -> None:
    text = text_of(_made(typesetter, _changed(FIRST, usage=(), lines=())))
    assert "0,00 €" in text


def _changed_body(**fields: Any) -> Any:
    return msgspec.structs.replace(FIRST.body, **fields)
