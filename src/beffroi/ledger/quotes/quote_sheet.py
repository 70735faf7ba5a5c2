"""What both documents of a quote share: their head, their summary, sections with tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Final

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.figures import day_in_words
from beffroi.ledger.documents.plots import BarPlot
from beffroi.ledger.documents.sheet import Head, footer_of, party_of, words_of
from beffroi.ledger.months import PARIS
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.wording import (
    quote_word,
    told_change,
)

LEFT: Final = "left"
RIGHT: Final = "right"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the document: a sentence, a table, sums, plots, notes, each of them or none.

    Attributes:
        wide: Number of the column that takes what room is left.
        rows: Cells; what follows a line break is shown smaller.
        lying: Plots of lying bars.
        standing: Plots of standing bars.
    """

    heading: str
    told: str = ""
    heads: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    wide: int = 1
    rows: tuple[tuple[str, ...], ...] = ()
    totals: tuple[tuple[str, str], ...] = ()
    lying: tuple[BarPlot, ...] = ()
    standing: tuple[BarPlot, ...] = ()
    notes: tuple[str, ...] = ()


class QuoteSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What the template of a quote is given; the note, which is not for the buyer, is a draft."""

    head: Head
    facts: tuple[tuple[str, str], ...]
    words: Mapping[str, str]
    summary: str
    sections: tuple[Section, ...]


def typeset_quote(
    typesetter: Typesetter,
    quote: Quote,
    kind: str,
    sections: Sequence[Section],
    language: Language,
) -> bytes:
    """Set a document of a quote, dated by its day.

    Args:
        typesetter: Of the template ``quote.typ``.
        quote: What it tells.
        kind: ``offer`` or ``note``.
        sections: In their order.
        language: Of its texts.
    """
    needs, issuer = quote.needs, quote.issuer
    sheet = QuoteSheet(
        head=Head(
            language=language,
            title=quote_word(language, f"titles.{kind}"),
            issuer=party_of(issuer, language),
            footer=footer_of(issuer, needs.consultation.reference, language),
            body=party_of(quote.body, language),
            draft=kind == "note",
        ),
        facts=_facts(quote, language),
        words={
            **words_of(language, ("page", "addressee")),
            "draft": quote_word(language, "internal"),
        },
        summary=_summary(quote, kind, language),
        sections=tuple(sections),
    )
    made_at = datetime.combine(quote.day, time(), PARIS)
    return typesetter.typeset(sheet, made_at=made_at)


def _facts(quote: Quote, language: Language) -> tuple[tuple[str, str], ...]:
    needs = quote.needs
    months = str(needs.market.duration_months)
    facts = {
        "consultation": f"{needs.consultation.reference}, "
        f"{day_in_words(needs.consultation.day, language)}",
        "object": needs.consultation.title,
        "day": day_in_words(quote.day, language),
        "valid_until": day_in_words(quote.valid_until, language),
        "starts": day_in_words(needs.market.starts, language),
        "duration": quote_word(language, "months_count", months=months),
    }
    return tuple((quote_word(language, f"facts.{key}"), value) for key, value in facts.items())


def _summary(quote: Quote, kind: str, language: Language) -> str:
    totals, costs = quote.totals, quote.costs
    values = {
        "title": quote.needs.consultation.title,
        "month": told_euros(totals.month.net_eur, language),
        "year": told_euros(totals.year.net_eur, language),
        "duration": told_euros(totals.duration.net_eur, language),
        "months": quote.needs.market.duration_months,
        "floor": told_euros(costs.floor_eur, language),
        "full": told_euros(costs.full_eur, language),
    }
    told = quote_word(language, f"summary_{kind}", **values)
    if quote.change is None or quote.change.percent is None:
        return told
    return f"{told} {told_change(quote.change, language)}"


def heads_of_table(language: Language, *keys: str) -> tuple[str, ...]:
    """Return the heads of a table's columns."""
    return tuple(quote_word(language, f"heads.{key}") for key in keys)
