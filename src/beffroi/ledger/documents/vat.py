"""VAT of a statement: each rate's base and tax, rounded once per rate; pure."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from beffroi.ledger.model import Statement

_CENT: Final = Decimal("0.01")


class VatRate(msgspec.Struct, frozen=True):
    """What is due for one rate, in euros."""

    percent: Decimal
    base_eur: Decimal
    tax_eur: Decimal


def vat_of(statement: Statement) -> tuple[VatRate, ...]:
    """List what is due for each rate, the highest first; nothing for a body not liable to VAT.

    The tax is the base times the rate, rounded half up to the cent (EN 16931, BR-CO-17).
    """
    if not statement.body.liable_for_vat:
        return ()
    bases: dict[Decimal, Decimal] = {}
    for line in statement.lines:
        percent = line.vat_percent.normalize()
        bases[percent] = bases.get(percent, Decimal(0)) + line.amount_eur
    return tuple(
        VatRate(percent, base, (base * percent / 100).quantize(_CENT, ROUND_HALF_UP) + 0)
        for percent, base in sorted(bases.items(), reverse=True)
    )


def due_eur(statement: Statement) -> Decimal:
    """Add the VAT to what is owed."""
    return statement.net_eur + sum((one.tax_eur for one in vat_of(statement)), Decimal(0))
