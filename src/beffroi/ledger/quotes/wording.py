"""The words of a quote in one language; pure."""

from decimal import Decimal

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros
from beffroi.ledger.documents.figures import told_number, told_percent
from beffroi.ledger.quotes.model import CostKind, CostPart, PriceChange, QuoteLine
from beffroi.ledger.quotes.ports import Placement


def quote_word(language: Language, key: str, **values: object) -> str:
    """Return a text of the quotes' catalogue."""
    return sentence(language, f"ledger.quote.{key}", **values)


def designation_of(line: QuoteLine, language: Language) -> str:
    """Name a line: as the buyer wrote it, or in our words."""
    return line.designation if line.item is None else quote_word(language, f"items.{line.item}")


def unit_of(line: QuoteLine, language: Language) -> str:
    """Write a line's unit: as the buyer wrote it, or in our words."""
    return line.unit if line.item is None else quote_word(language, f"item_units.{line.item}")


def quantity_of(line: QuoteLine, language: Language) -> str:
    """Write a line's quantity; one on demand has none."""
    if line.quantity is None:
        return quote_word(language, "on_demand")
    return told_number(line.quantity, language)


def part_title(part: CostPart, language: Language) -> str:
    """Name a part of a cost."""
    if part.kind is CostKind.DIRECT:
        return quote_word(language, f"direct.{part.subject}")
    return part.title or quote_word(language, f"kinds.{part.kind}")


def told_hosts(count: int, language: Language) -> str:
    """Write a number of hosts."""
    return quote_word(language, "hosts_count", count=told_number(Decimal(count), language))


def told_change(change: PriceChange, language: Language) -> str:
    """Say what the present price becomes."""
    return quote_word(
        language,
        "change_more" if change.change_eur > 0 else "change_less",
        present=told_euros(change.present_eur, language),
        offered=told_euros(change.offered_eur, language),
        change=told_euros(abs(change.change_eur), language),
        percent=told_percent(abs(change.percent or Decimal(0)), language),
    )


def told_placement(placement: Placement, language: Language) -> str:
    """Say on how many hosts the tenant fits, that a loss is outlived, and what sets the number."""
    joined = placement.joined
    told = quote_word(
        language,
        "placement_holds" if joined.holds else "placement_fails",
        now=told_hosts(placement.hosts_now, language),
        without=told_hosts(len(placement.without.hosts), language),
        joined=told_hosts(len(joined.hosts), language),
        spares=joined.spares,
        losses=joined.losses,
    )
    return f"{told} {joined.words[language]}"
