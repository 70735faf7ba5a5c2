"""Data of revenue orders (titres de recette) for accounting software; pure.

One piece for each issued statement of a body that is not liable to VAT, one row for each M57
account of it. The accounting software numbers the orders and makes the PES flow with its notice
(PES facture ASAP), the only way to Chorus Pro for local bodies under Hélios; what that notice
needs of us is here: piece number, debtor's SIRET, service code, commitment, supporting PDF.

Source: collectivites-locales.gouv.fr, «L'émission de factures électroniques grâce au PES-ASAP».
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.ledger.documents.figures import issue_moment, month_in_words
from beffroi.ledger.documents.french_csv import eur_with_comma, french_csv
from beffroi.ledger.documents.sheet import word
from beffroi.ledger.model import Issuer, Statement, StatementState


class OrderKind(StrEnum):
    """An order to pay, or one that lowers an earlier one."""

    REVENUE = "titre"
    REDUCTION = "reduction"


class OrderAmount(msgspec.Struct, frozen=True):
    """What goes to one M57 account; empty where the accounts file names none."""

    account: str
    amount_eur: Decimal


class ReducedOrder(msgspec.Struct, frozen=True):
    """An earlier piece that a reduction lowers, and the budget that it went to."""

    reference: str
    year: int


class RevenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One piece.

    Attributes:
        reference: Number of the statement, which the debtor knows.
        year: The budget that it goes to (exercice).
        service_month: The month that was served, its first day.
        reduces: Of a reduction: the pieces that it lowers.
        amount_eur: What is due, above 0; of a reduction: what is taken off.
        amounts: By account; they add up to ``amount_eur``, some may be below 0.
        supporting_file: Name of the statement's PDF.
        digest: SHA-256 of what the statement was made from.
    """

    kind: OrderKind
    year: int
    service_month: date
    issued: date
    reference: str
    subject: str
    creditor_siret: str
    debtor: str
    debtor_siret: str
    debtor_address: tuple[str, ...]
    debtor_postcode: str
    debtor_town: str
    service_code: str
    commitment: str
    amount_eur: Decimal
    amounts: tuple[OrderAmount, ...]
    supporting_file: str
    digest: str
    reduces: tuple[ReducedOrder, ...] = ()


_COLUMNS: Final = (
    *("sens", "exercice", "date_emission", "reference", "objet", "creancier_siret"),
    *("debiteur", "debiteur_siret", "debiteur_adresse", "debiteur_code_postal"),
    *("debiteur_ville", "code_service", "engagement", "compte", "montant", "montant_piece"),
    *("piece_jointe", "empreinte_sha256", "mois_service"),
    *("reference_titre_reduit", "exercice_titre_reduit"),
)


def revenue_orders(
    statements: Sequence[Statement],
    issuer: Issuer,
    issued: Mapping[str, date],
    language: Language,
) -> tuple[RevenueOrder, ...]:
    """List the pieces of bodies outside VAT; a statement of nothing has none.

    Args:
        statements: Of one month.
        issuer: The creditor.
        issued: When the statements that lines correct were issued, by number.
        language: Of what each piece is for.
    """
    return tuple(
        _order(statement, issuer, issued, language)
        for statement in statements
        if statement.state is StatementState.ISSUED
        and not statement.body.liable_for_vat
        and statement.net_eur
    )


def orders_csv(orders: Sequence[RevenueOrder]) -> bytes:
    """Write a row for each account of each piece, as French spreadsheets read it."""
    rows = (_cells(order, amount) for order in orders for amount in order.amounts)
    return french_csv(_COLUMNS, rows)


def orders_json(orders: Sequence[RevenueOrder]) -> bytes:
    """Write the pieces as they are; amounts are texts, so that no cent is lost to a float."""
    return msgspec.json.format(msgspec.json.encode(orders), indent=2)


def statement_file(statement: Statement) -> str:
    """Name the PDF of a statement: letters, digits and hyphens only, as Chorus Pro wants them."""
    number = statement.number or f"projet-{statement.body.name}-{statement.month:%Y-%m}"
    return f"{number}-releve.pdf"


def budget_year(service_year: int, issued: date) -> int:
    """Return the budget that an order goes to: that of the service while it can still take it.

    Orders of the operating section for what was served by 31 December are written until 31 January.

    Source: CGCT, articles L1612-11 and D2342-3 (journée complémentaire).
    """
    last = date(service_year + 1, 1, 31)
    return service_year if issued <= last else issued.year


def _order(
    statement: Statement, issuer: Issuer, issued_on: Mapping[str, date], language: Language
) -> RevenueOrder:
    body, net = statement.body, statement.net_eur
    sign = -1 if net < 0 else 1
    amounts: dict[str, Decimal] = {}
    for line in statement.lines:
        amounts[line.account] = amounts.get(line.account, Decimal(0)) + sign * line.amount_eur
    month = month_in_words(statement.month, language)
    issued = issue_moment(statement).date()
    return RevenueOrder(
        kind=OrderKind.REDUCTION if sign < 0 else OrderKind.REVENUE,
        year=budget_year(statement.month.year, issued),
        service_month=statement.month,
        issued=issued,
        reference=statement.number,
        subject=word(language, "order_object", month=month, number=statement.number),
        creditor_siret=issuer.siret,
        debtor=body.title,
        debtor_siret=body.siret,
        debtor_address=body.address,
        debtor_postcode=body.postcode,
        debtor_town=body.town,
        service_code=body.service_code,
        commitment=body.commitment,
        amount_eur=sign * net,
        amounts=tuple(OrderAmount(account, one) for account, one in sorted(amounts.items())),
        supporting_file=statement_file(statement),
        digest=statement.digest,
        reduces=_reduced(statement, issued_on) if sign < 0 else (),
    )


def _reduced(statement: Statement, issued_on: Mapping[str, date]) -> tuple[ReducedOrder, ...]:
    """List the pieces that lines correct; a number holds its month's year."""
    numbers = sorted(
        {
            line.corrects.statement
            for line in statement.lines
            if line.corrects is not None and line.corrects.statement in issued_on
        }
    )
    return tuple(
        ReducedOrder(number, budget_year(int(number.split("-")[-2]), issued_on[number]))
        for number in numbers
    )


def _cells(order: RevenueOrder, amount: OrderAmount) -> tuple[str, ...]:
    return (
        order.kind,
        str(order.year),
        order.issued.isoformat(),
        order.reference,
        order.subject,
        order.creditor_siret,
        order.debtor,
        order.debtor_siret,
        ", ".join(order.debtor_address),
        order.debtor_postcode,
        order.debtor_town,
        order.service_code,
        order.commitment,
        amount.account,
        eur_with_comma(amount.amount_eur),
        eur_with_comma(order.amount_eur),
        order.supporting_file,
        order.digest,
        f"{order.service_month:%Y-%m}",
        ", ".join(one.reference for one in order.reduces),
        ", ".join(str(one.year) for one in order.reduces),
    )
