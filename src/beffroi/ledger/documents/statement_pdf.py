"""The statement as a person reads it: each line explained, shares, use, plots, how to check."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import (
    issue_moment,
    month_in_words,
    told_number,
    told_percent,
    told_price,
    told_unit,
)
from beffroi.ledger.documents.key_wording import key_rows
from beffroi.ledger.documents.model import DocumentsRequest
from beffroi.ledger.documents.plots import BarPlot, day_plots, energy_plots, history_plots
from beffroi.ledger.documents.sheet import (
    LineRow,
    Sheet,
    buyer_facts,
    head_of,
    heads_of,
    issue_facts,
    payment_terms,
    totals_of,
    word,
    words_of,
)
from beffroi.ledger.documents.usage_totals import by_application, energy_kwh
from beffroi.ledger.documents.vat import due_eur, vat_of
from beffroi.ledger.model import (
    LineKind,
    Statement,
    StatementLine,
    Usage,
    UsageUnit,
)

_WORDS: Final = (
    *("page", "addressee", "draft", "lines", "shares", "shares_told", "keys", "usage"),
    *("usage_told", "payment", "checking", "digest"),
)
_USED: Final = (
    UsageUnit.CPU_CORE_H,
    UsageUnit.MEMORY_GIB_H,
    UsageUnit.STORAGE_GIB_H,
    UsageUnit.TRAFFIC_GIB,
    UsageUnit.ENERGY_MARGINAL_KWH,
    UsageUnit.ENERGY_IDLE_KWH,
)
_GRAMS_PER_KG: Final = 1000


class _StatementSheet(Sheet, frozen=True, kw_only=True):
    """What the template of a statement is given: tables row by row, and plots."""

    summary: str
    shares: tuple[tuple[str, ...], ...]
    keys: tuple[tuple[str, str], ...]
    usage: tuple[tuple[str, ...], ...]
    rows: tuple[BarPlot, ...]
    plots: tuple[BarPlot, ...]
    notes: tuple[str, ...]
    digest: str


def statement_pdf(typesetter: Typesetter, statement: Statement, request: DocumentsRequest) -> bytes:
    """Make the PDF of a statement: PDF/A-3a and PDF/UA-1.

    Args:
        typesetter: Of the template ``statement.typ``.
        statement: Issued, or a draft, which says so.
        request: Accounts, language, and the data of plots.
    """
    sheet = _sheet(statement, request)
    return typesetter.typeset(sheet, made_at=issue_moment(statement))


def _sheet(statement: Statement, request: DocumentsRequest) -> _StatementSheet:
    language, issuer = request.language, request.accounts.issuer
    shares = [one for one in statement.lines if one.kind is LineKind.COST_SHARE]
    due, month = due_eur(statement), month_in_words(statement.month, language)
    version = str(statement.accounts_version)
    return _StatementSheet(
        head=head_of(statement, issuer, word(language, "statement", month=month), language),
        facts=(
            *issue_facts(statement, language),
            (word(language, "period"), month),
            (word(language, "accounts"), version),
            *buyer_facts(statement.body, language),
        ),
        words={
            **words_of(language, _WORDS),
            "checking_told": word(language, "checking_told", version=version),
        },
        headers={
            "lines": heads_of(language, ("number", "line", "quantity", "price", "net")),
            "shares": heads_of(
                language, ("line", "cost", "all_units", "unit_cost", "units", "share")
            ),
            "keys": heads_of(language, ("key", "basis")),
            "usage": heads_of(language, ("application", *_USED, "method", "records")),
        },
        lines=tuple(_row(line, language) for line in statement.lines),
        totals=totals_of(statement.net_eur, vat_of(statement), due, language),
        terms=_terms(statement, request),
        summary=_summary(statement, due, month, language),
        shares=_share_rows(shares, language),
        keys=key_rows((one.key for one in shares), request.accounts.keys, language),
        usage=_usage_rows(statement.usage, language),
        rows=energy_plots(statement.usage, language),
        plots=(
            *day_plots(statement.body.name, request.days, language),
            *history_plots(statement.body.name, request.history, language),
        ),
        notes=_notes(statement, request),
        digest=statement.digest,
    )


def _summary(statement: Statement, due: Decimal, month: str, language: Language) -> str:
    key = "summary_credit" if due < 0 else "summary"
    told = told_euros(abs(due), language)
    return word(language, key, body=statement.body.title, month=month, due=told)


def _row(line: StatementLine, language: Language) -> LineRow:
    account = f" {word(language, 'account_code', account=line.account)}" if line.account else ""
    return LineRow(
        number=str(line.number),
        title=line.title,
        explained=explained(line.explanation, language) + account,
        quantity=told_number(line.quantity, language),
        unit=told_unit(line.unit, language),
        price=told_price(line.unit_price_eur, language),
        amount=told_euros(line.amount_eur, language),
    )


def _share_rows(shares: Sequence[StatementLine], language: Language) -> tuple[tuple[str, ...], ...]:
    """Write each shared cost, then their sums."""
    if not shares:
        return ()
    cost = sum((line.cost_eur for line in shares), Decimal(0))
    amount = sum((line.amount_eur for line in shares), Decimal(0))
    sums = (told_euros(cost, language), "", "", "", told_euros(amount, language))
    return (
        *(_share_row(line, language) for line in shares),
        (word(language, "together"), *sums),
    )


def _share_row(line: StatementLine, language: Language) -> tuple[str, ...]:
    """Write cost, units and unit cost (decree 2011-515: unit cost times units of operation)."""
    return (
        line.title,
        told_euros(line.cost_eur, language),
        _quantity(line.all_units, line.unit, language),
        told_price(line.unit_price_eur, language),
        told_number(line.quantity, language),
        told_euros(line.amount_eur, language),
    )


def _usage_rows(usage: Sequence[Usage], language: Language) -> tuple[tuple[str, ...], ...]:
    """Write what each application used; its organisation is named where there are several."""
    several = len({one.organisation for one in usage}) > 1
    rows = [
        (
            f"{one.organisation} / {one.application}" if several else one.application,
            *(_rounded(one.quantities.get(unit, Decimal(0)), language) for unit in _USED),
            sentence(language, f"ledger.methods.{one.energy_method}"),
            _recorded(one, language),
        )
        for one in by_application(usage).values()
    ]
    return tuple(rows)


def _recorded(one: Usage, language: Language) -> str:
    """Write which part of the minutes has a record; rounded down, so that 100 % means all."""
    minutes = int((one.until - one.since).total_seconds()) // 60
    return told_percent(Decimal(10000 * one.minutes // max(1, minutes)) / 100, language)


def _notes(statement: Statement, request: DocumentsRequest) -> tuple[str, ...]:
    """Say what the reader should know: of the records, and of carbon with its factor."""
    language = request.language
    notes = [explained(note, language) for note in statement.notes]
    if request.grid_g_per_kwh is not None:
        kwh = sum((energy_kwh(one) for one in statement.usage), Decimal(0))
        kg = kwh * request.grid_g_per_kwh / _GRAMS_PER_KG
        notes.append(
            word(
                language,
                "carbon",
                kg=_rounded(kg, language),
                kwh=_rounded(kwh, language),
                factor=told_number(request.grid_g_per_kwh, language),
                source=request.grid_source,
            )
        )
    return tuple(notes)


def _terms(statement: Statement, request: DocumentsRequest) -> tuple[str, ...]:
    """Say how it is paid: by invoice, or on the revenue order's notice."""
    body, language = statement.body, request.language
    if body.liable_for_vat:
        return (
            word(language, "invoice_follows"),
            *payment_terms(request.accounts.issuer, body, language),
        )
    return (word(language, "order_follows"),)


def _quantity(quantity: Decimal, unit: str, language: Language) -> str:
    return f"{told_number(quantity, language)} {told_unit(unit, language)}"


def _rounded(value: Decimal, language: Language) -> str:
    return told_number(value, language, most=2)
