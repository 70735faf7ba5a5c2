"""The note for whoever signs: costs, floor and full cost, who is relieved, cautions."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import (
    told_number,
    told_price,
)
from beffroi.ledger.documents.sheet import word
from beffroi.ledger.quotes.model import CostPart, Quote
from beffroi.ledger.quotes.needs import Charged
from beffroi.ledger.quotes.quote_plots import cost_plot
from beffroi.ledger.quotes.quote_sheet import LEFT, RIGHT, Section, heads_of_table, typeset_quote
from beffroi.ledger.quotes.wording import (
    designation_of,
    part_title,
    quote_word,
)


def note_pdf(typesetter: Typesetter, quote: Quote, language: Language) -> bytes:
    """Make the note for whoever signs: costs, floor and full cost, who is relieved, warnings."""
    warnings = tuple(explained(one, language) for one in quote.warnings)
    sections = (
        _decision(quote, language),
        msgspec.structs.replace(
            _parts("marginal", quote.costs.marginal, language), notes=_why_so_many(quote, language)
        ),
        _parts("full", quote.costs.full, language),
        _unit_prices(quote, language),
        _relief(quote, language),
        Section(heading=quote_word(language, "sections.warnings"), notes=warnings),
    )
    return typeset_quote(typesetter, quote, "note", sections, language)


def _decision(quote: Quote, language: Language) -> Section:
    costs, totals = quote.costs, quote.totals
    margin = totals.year.net_eur - costs.full_eur
    values = {
        "percent": told_number(quote.needs.terms.margin_percent, language),
        "months": quote.needs.market.duration_months,
    }
    rows = {
        "floor": costs.floor_eur,
        "full": costs.full_eur,
        "asked": quote.asked_eur,
        "offered": totals.year.net_eur,
        "over_full": margin,
        "setup_cost": costs.once_eur,
        "setup_price": totals.once.net_eur,
    }
    return Section(
        heading=quote_word(language, "sections.decision"),
        told=quote_word(language, "decision_told"),
        heads=heads_of_table(language, "price", "by_year"),
        sides=(LEFT, RIGHT),
        wide=0,
        rows=tuple(
            (quote_word(language, f"decision.{key}", **values), told_euros(eur, language))
            for key, eur in rows.items()
        ),
        lying=cost_plot(quote, language),
    )


def _parts(key: str, parts: Sequence[CostPart], language: Language) -> Section:
    total = sum((part.yearly_eur for part in parts), Decimal(0))
    return Section(
        heading=quote_word(language, f"sections.{key}"),
        told=quote_word(language, f"{key}_told"),
        heads=heads_of_table(language, "cost", "by_year"),
        sides=(LEFT, RIGHT),
        wide=0,
        rows=tuple(
            (
                f"{part_title(part, language)}\n{explained(part.explanation, language)}",
                told_euros(part.yearly_eur, language),
            )
            for part in parts
        ),
        totals=((word(language, "together"), told_euros(total, language)),),
    )


def _why_so_many(quote: Quote, language: Language) -> tuple[str, ...]:
    """Say what sets the number of hosts of both plans: their difference is the marginal cost."""
    plans = (("without", quote.placement.without), ("joined", quote.placement.joined))
    return tuple(
        quote_word(
            language,
            "why_so_many",
            plan=quote_word(language, f"plots.{key}"),
            why=plan.words[language],
        )
        for key, plan in plans
    )


def _unit_prices(quote: Quote, language: Language) -> Section:
    return Section(
        heading=quote_word(language, "sections.unit_prices"),
        told=quote_word(language, "unit_prices_told"),
        heads=heads_of_table(language, "number", "designation", "paid", "unit_price"),
        sides=(LEFT, LEFT, LEFT, RIGHT),
        rows=tuple(
            (
                line.number,
                f"{designation_of(line, language)}\n{explained(line.explanation, language)}",
                quote_word(
                    language, "paid.once" if line.charged is Charged.ONCE else "paid.monthly"
                ),
                told_price(line.unit_price_eur, language),
            )
            for line in quote.lines
        ),
    )


def _relief(quote: Quote, language: Language) -> Section:
    relief = quote.relief
    before = sum((one.before_eur for one in relief.bodies), Decimal(0))
    after = sum((one.after_eur for one in relief.bodies), Decimal(0))
    bodies = [(one.title, one.before_eur, one.after_eur, one.relief_eur) for one in relief.bodies]
    rows = [*bodies, (word(language, "together"), before, after, relief.total_eur)]
    return Section(
        heading=quote_word(language, "sections.relief"),
        told=quote_word(
            language,
            "relief_told",
            revenue=told_euros(relief.revenue_eur, language),
            added=told_euros(relief.added_eur, language),
            relief=told_euros(relief.total_eur, language),
        ),
        heads=heads_of_table(language, "body", "before", "after", "relief"),
        sides=(LEFT, RIGHT, RIGHT, RIGHT),
        wide=0,
        rows=tuple(
            (title, *(told_euros(eur, language) for eur in amounts)) for title, *amounts in rows
        ),
    )
