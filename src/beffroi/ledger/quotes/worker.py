"""Documents of a quote, made by ``python -m beffroi.ledger.quotes.worker``.

Files are written whole or not at all; the same request gives the same PDFs.
"""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.processes.workers import Progress, Told, answer_as_worker
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.whole_files import write_whole
from beffroi.ledger.quotes.buyer_template import fill_template
from beffroi.ledger.quotes.documents import QuoteFiles, QuoteRequest, TemplateFill
from beffroi.ledger.quotes.note_pdf import note_pdf
from beffroi.ledger.quotes.offer_pdf import offer_pdf
from beffroi.ledger.quotes.spreadsheet import quote_workbook
from beffroi.ledger.quotes.wording import quote_word

_STEPS: Final = 5


def make_quote_documents(request: QuoteRequest, told: Told) -> QuoteFiles:
    """Make the documents of a quote and write them.

    Raises:
        InvalidInputError: The buyer's workbook cannot be read or has no column of prices.
    """
    folder = Path(request.folder)
    names: list[str] = []
    fill: TemplateFill | None = None
    for name, content in _documents(request):
        write_whole(folder / name, content)
        names.append(name)
        told(Progress(len(names) / _STEPS, name))
    if request.template:
        template = Path(request.template)
        filled, fill = fill_template(template, request.quote, request.language)
        state = "complete" if fill.complete else "incomplete"
        name = f"{template.stem}-{quote_word(request.language, f'files.{state}')}.xlsx"
        write_whole(folder / name, filled)
        names.append(name)
        told(Progress(1.0, name))
    return QuoteFiles(tuple(names), fill)


def _documents(request: QuoteRequest) -> Iterator[tuple[str, bytes]]:
    quote, language = request.quote, request.language
    template = Path(str(files("beffroi.ledger.documents"))) / "templates" / "quote.typ"
    typesetter = Typesetter(template)
    names = {key: quote_word(language, f"files.{key}") for key in ("offer", "note", "prices")}
    yield f"{names['offer']}.pdf", offer_pdf(typesetter, quote, language)
    yield f"{names['note']}.pdf", note_pdf(typesetter, quote, language)
    yield f"{names['prices']}.xlsx", quote_workbook(quote, language)
    yield "quote.json", msgspec.json.format(msgspec.json.encode(quote), indent=1)


if __name__ == "__main__":
    answer_as_worker(QuoteRequest, make_quote_documents)
