"""The file ``needs.yaml``, and what its parts must agree on."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from beffroi.ledger.identifiers import siret_is_valid, vat_number_is_valid
from beffroi.ledger.months import is_counted
from beffroi.ledger.quotes.needs import (
    Buyer,
    BuyerLine,
    Charged,
    DirectCost,
    NeededApplication,
    Needs,
    PriceItem,
    ServiceLevel,
)
from beffroi.territory.declared_file import load_declared
from beffroi.territory.findings import Mistake

_SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {"applications": NeededApplication}
_MOST: Final = {
    "cores": Decimal(4096),
    "memory_gib": Decimal(65_536),
    "disk_gib": Decimal(10_000_000),
}


def load_needs(file: Path) -> Needs:
    """Read and check a file of needs.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """
    return load_declared(file, Needs, _SECTIONS, needs_mistakes)


def needs_mistakes(needs: Needs) -> Iterator[Mistake]:
    """Say what does not fit together or cannot be."""
    yield from _buyer_mistakes(needs.buyer)
    starts = needs.market.starts
    if not is_counted(starts):
        yield Mistake("ledger.day_absurd", ("market", "starts"), {"found": starts.isoformat()})
    for application in needs.applications.values():
        yield from _application_mistakes(application)
    for cost in DirectCost:
        if needs.asked(cost) and cost not in needs.terms.direct_costs:
            values = {"cost": cost.value, "quantity": str(needs.asked(cost))}
            yield Mistake("ledger.quote_direct_cost_missing", ("terms",), values, at_key=True)
    seen: set[tuple[str, str]] = set()
    for place, line in enumerate(needs.lines):
        yield from _line_mistakes(line, place)
        if (line.designation, line.unit) in seen:
            values = {"designation": line.designation}
            yield Mistake("ledger.quote_line_twice", ("lines", place, "designation"), values)
        seen.add((line.designation, line.unit))


def _buyer_mistakes(buyer: Buyer) -> Iterator[Mistake]:
    if not siret_is_valid(buyer.siret):
        yield Mistake("ledger.siret_wrong", ("buyer", "siret"), {"found": buyer.siret})
    elif buyer.vat_number and not vat_number_is_valid(buyer.vat_number, buyer.siret):
        values = {"found": buyer.vat_number, "siren": buyer.siret[:9]}
        yield Mistake("ledger.vat_number_wrong", ("buyer", "vat_number"), values)


def _application_mistakes(one: NeededApplication) -> Iterator[Mistake]:
    for field, most in _MOST.items():
        found = getattr(one, field)
        least = 0 if field == "disk_gib" else Decimal("0.001")
        if not least <= found <= most:
            values = {"found": str(found), "least": str(least), "most": str(most)}
            yield Mistake("ledger.quote_size_absurd", ("applications", one.name, field), values)
    if one.level is not ServiceLevel.STANDARD and one.count < 2:
        values = {"application": one.name, "level": one.level.value}
        yield Mistake("ledger.quote_level_alone", ("applications", one.name, "level"), values)


def _line_mistakes(line: BuyerLine, place: int) -> Iterator[Mistake]:
    path = ("lines", place, "contains")
    values = {"designation": line.designation}
    if not any(line.contains.values()):
        yield Mistake("ledger.quote_line_empty", path, values)
    setup = {item is PriceItem.SETUP for item, amount in line.contains.items() if amount}
    if setup and setup != {line.charged is Charged.ONCE}:
        yield Mistake("ledger.quote_line_mixed", path, values)
