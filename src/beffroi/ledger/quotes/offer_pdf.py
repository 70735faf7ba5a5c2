"""The offer that the buyer gets: prices, where the tenant fits, how prices change."""

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.figures import (
    day_in_words,
    told_number,
    told_percent,
    told_price,
)
from beffroi.ledger.documents.sheet import word
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import Indexation
from beffroi.ledger.quotes.quote_plots import hosts_plot, price_plot, use_plots
from beffroi.ledger.quotes.quote_sheet import LEFT, RIGHT, Section, heads_of_table, typeset_quote
from beffroi.ledger.quotes.wording import (
    designation_of,
    quantity_of,
    quote_word,
    told_placement,
    unit_of,
)


def offer_pdf(typesetter: Typesetter, quote: Quote, language: Language) -> bytes:
    """Make the offer: prices, what the present price becomes, where it fits, how prices change."""
    sections = (
        _prices(quote, language),
        *_present(quote, language),
        _placement(quote, language),
        *_indexation(quote.needs.market.indexation, language),
        Section(heading=quote_word(language, "sections.terms"), notes=_terms(quote, language)),
    )
    return typeset_quote(typesetter, quote, "offer", sections, language)


def _prices(quote: Quote, language: Language) -> Section:
    rows = tuple(
        (
            line.number,
            designation_of(line, language),
            unit_of(line, language),
            quantity_of(line, language),
            told_price(line.unit_price_eur, language),
            "" if line.quantity is None else told_euros(line.amount_eur, language),
        )
        for line in quote.lines
    )
    totals, terms = quote.totals, quote.needs.terms
    values = {
        "months": quote.needs.market.duration_months,
        "percent": told_number(terms.vat_percent, language),
    }
    sums = {
        "once": totals.once.net_eur,
        "month": totals.month.net_eur,
        "year": totals.year.net_eur,
        "duration": totals.duration.net_eur,
        "vat": totals.duration.vat_eur,
        "gross": totals.duration.gross_eur,
    }
    return Section(
        heading=quote_word(language, "sections.prices"),
        told=quote_word(language, "prices_told"),
        heads=heads_of_table(
            language, "number", "designation", "unit", "quantity", "unit_price", "amount"
        ),
        sides=(LEFT, LEFT, LEFT, RIGHT, RIGHT, RIGHT),
        rows=rows,
        totals=tuple(
            (quote_word(language, f"totals.{key}", **values), told_euros(eur, language))
            for key, eur in sums.items()
        ),
    )


def _present(quote: Quote, language: Language) -> tuple[Section, ...]:
    change, present = quote.change, quote.needs.present
    if change is None or present is None:
        return ()
    rows = tuple(
        (
            quote_word(language, f"plots.{key}") + (f"\n{covers}" if covers else ""),
            told_euros(yearly, language),
            told_euros(whole, language),
        )
        for key, covers, yearly, whole in (
            ("present", present.covers, change.present_eur, change.present_duration_eur),
            ("offered", "", change.offered_eur, change.offered_duration_eur),
        )
    )
    return (
        Section(
            heading=quote_word(language, "sections.present"),
            told=quote_word(language, "present_told"),
            heads=heads_of_table(language, "price", "by_year", "by_duration"),
            sides=(LEFT, RIGHT, RIGHT),
            wide=0,
            rows=rows,
            lying=price_plot(quote, language),
        ),
    )


def _placement(quote: Quote, language: Language) -> Section:
    joined = quote.placement.joined
    rows = tuple(
        (
            f"{host.host}\n{host.model}, {host.site}",
            *(
                f"{told_number(others, language)} + {told_percent(tenant, language)}"
                for others, tenant in (
                    (host.others.cpu, host.tenant.cpu),
                    (host.others.memory, host.tenant.memory),
                    (host.others.disk, host.tenant.disk),
                )
            ),
        )
        for host in joined.hosts
    )
    return Section(
        heading=quote_word(language, "sections.placement"),
        told=told_placement(quote.placement, language),
        heads=heads_of_table(language, "host", "cpu", "memory", "disk"),
        sides=(LEFT, RIGHT, RIGHT, RIGHT),
        wide=0,
        rows=rows,
        lying=(hosts_plot(quote, language),),
        standing=use_plots(quote, language),
    )


def _indexation(indexation: Indexation | None, language: Language) -> tuple[Section, ...]:
    heading = quote_word(language, "sections.indexation")
    if indexation is None:
        return (Section(heading=heading, notes=(quote_word(language, "firm"),)),)
    valued = any(one.value is not None for one in indexation.parameters.values())
    keys = ("letter", "meaning", "value") if valued else ("letter", "meaning")
    rows = tuple(
        (name, one.meaning, "" if one.value is None else told_number(one.value, language))
        for name, one in indexation.parameters.items()
    )
    return (
        Section(
            heading=heading,
            told=quote_word(language, "indexation_told", formula=indexation.formula),
            heads=heads_of_table(language, *keys),
            sides=(LEFT, LEFT, RIGHT)[: len(keys)],
            rows=tuple(row[: len(keys)] for row in rows),
        ),
    )


def _terms(quote: Quote, language: Language) -> tuple[str, ...]:
    percent = told_number(quote.needs.terms.vat_percent, language)
    return (
        quote_word(
            language,
            "term_validity",
            days=quote.needs.market.validity_days,
            day=day_in_words(quote.valid_until, language),
        ),
        quote_word(language, "term_vat", percent=percent),
        word(language, "payment_terms", days=quote.issuer.payment_days),
    )
