"""What is asked of the worker that makes a quote's documents, and what it answers."""

from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.processes.workers import Told
from beffroi.ledger.quotes.model import Quote


class QuoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Documents wanted of a quote.

    Attributes:
        folder: Where the files are put; it exists.
        template: The buyer's workbook to fill; empty: none was given.
    """

    quote: Quote
    folder: str
    language: Language = Language.FR
    template: str = ""


class FilledCell(msgspec.Struct, frozen=True):
    """A cell of the buyer's workbook that was written."""

    sheet: str
    cell: str
    designation: str
    eur: Decimal


class WhyLeft(StrEnum):
    """Why a cell that wants a price has none."""

    NO_LINE = "no_line"
    OTHER_UNIT = "other_unit"
    HOLDS_TEXT = "holds_text"
    HOLDS_NUMBER = "holds_number"
    NO_QUANTITY = "no_quantity"
    IN_LETTERS = "in_letters"
    TOTAL = "total"


class LeftCell(msgspec.Struct, frozen=True):
    """A cell of the buyer's workbook that wants a price and was not written."""

    sheet: str
    cell: str
    designation: str
    why: WhyLeft


class TemplateFill(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the buyer's workbook.

    Attributes:
        unused: Designations of the quote's lines that no row of the workbook asks for.
    """

    file: str
    filled: tuple[FilledCell, ...]
    left: tuple[LeftCell, ...]
    unused: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every price is there: one that is missing makes an offer irregular.

        Source: cour administrative d'appel de Paris, n° 09PA05511.
        """
        return bool(self.filled) and not self.left


class QuoteFiles(msgspec.Struct, frozen=True):
    """The files that were written."""

    files: tuple[str, ...]
    template: TemplateFill | None = None


class QuoteDocumentMaker(Protocol):
    """Makes a quote's documents apart from the platform."""

    async def make(self, request: QuoteRequest, told: Told) -> QuoteFiles:
        """Write the documents into the request's folder."""
        ...
