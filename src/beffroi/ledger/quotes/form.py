"""A tender's needs as a form asks for them; pure."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.ids import is_slug
from beffroi.ledger.quotes.needs import (
    Besides,
    Buyer,
    Consultation,
    DirectCost,
    HostsBought,
    Market,
    NeededApplication,
    Needs,
    PresentPrice,
    ServiceLevel,
    Terms,
)
from beffroi.ledger.quotes.needs_file import needs_mistakes

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)
ROWS: Final = 4
_MOST: Final = 100_000_000


class QuoteForm(msgspec.Struct, kw_only=True):
    """What a person writes; rows without a name are left out.

    Attributes:
        name, cores, memory_gib, disk_gib, count, level: One value per row.
    """

    plan: str = ""
    reference: str = ""
    title: str = ""
    buyer: str = ""
    siret: str = ""
    organisation: str = ""
    posts: str = ""
    starts: str = ""
    months: str = "48"
    present: str = ""
    margin: str = "5"
    hosts_cost: str = ""
    upkeep_cost: str = ""
    hosts_bought: str = HostsBought.ANEW
    support_hours: str = ""
    support_hour_eur: str = ""
    name: list[str] = []
    cores: list[str] = []
    memory_gib: list[str] = []
    disk_gib: list[str] = []
    count: list[str] = []
    level: list[str] = []


def needs_of_form(form: QuoteForm, today: date) -> Needs:
    """Read a form.

    Raises:
        InvalidInputError: A field is missing or cannot mean anything; the first one is told.
    """
    if not is_slug(form.organisation):
        raise InvalidInputError("ledger.form_field", field="organisation", value=form.organisation)
    needs = _written_needs(form, today)
    for mistake in needs_mistakes(needs):
        raise InvalidInputError(mistake.code, **mistake.values)
    return needs


def _written_needs(form: QuoteForm, today: date) -> Needs:
    present = _number("present", form.present, least=0) if form.present else None
    support = _number("support_hours", form.support_hours or "0", least=0)
    return Needs(
        consultation=Consultation(
            reference=_text("reference", form.reference, 40),
            title=_text("title", form.title, 120),
            day=today,
        ),
        buyer=Buyer(
            title=_text("buyer", form.buyer, 120),
            siret=form.siret,
            posts=_whole("posts", form.posts or "0", least=0),
        ),
        organisation=form.organisation,
        market=Market(
            starts=_day("starts", form.starts) if form.starts else today,
            duration_months=_whole("months", form.months, least=1, most=120),
        ),
        terms=Terms(
            hosts_cost=form.hosts_cost,
            upkeep_cost=form.upkeep_cost,
            hosts_bought=_choice(HostsBought, "hosts_bought", form.hosts_bought),
            margin_percent=_number("margin", form.margin, least=0, most=100),
            direct_costs=_direct_costs(form),
        ),
        present=None if present is None else PresentPrice(yearly_eur=present, covers=form.title),
        applications=_applications(form),
        besides=Besides(support_hours=support),
    )


def _direct_costs(form: QuoteForm) -> dict[DirectCost, Decimal]:
    if not form.support_hour_eur.strip():
        return {}
    return {DirectCost.SUPPORT_HOUR: _number("support_hour_eur", form.support_hour_eur, least=0)}


def _applications(form: QuoteForm) -> dict[str, NeededApplication]:
    found: dict[str, NeededApplication] = {}
    for row, name in enumerate(form.name):
        if not name.strip():
            continue
        if not is_slug(name):
            raise InvalidInputError("ledger.form_field", field="name", value=name)
        if name in found:
            raise InvalidInputError("ledger.form_name_twice", name=name)
        found[name] = NeededApplication(
            name=name,
            cores=_number("cores", _at(form.cores, row), least=0),
            memory_gib=_number("memory_gib", _at(form.memory_gib, row), least=0),
            disk_gib=_number("disk_gib", _at(form.disk_gib, row) or "0", least=0),
            count=_whole("count", _at(form.count, row) or "1", least=1, most=1000),
            level=_choice(ServiceLevel, "level", _at(form.level, row) or ServiceLevel.STANDARD),
        )
    return found


def _at(values: Sequence[str], row: int) -> str:
    return values[row].strip() if row < len(values) else ""


def _text(field: str, value: str, most: int) -> str:
    text = value.strip()
    if not 0 < len(text) <= most:
        raise InvalidInputError("ledger.form_field", field=field, value=text)
    return text


def _number(field: str, value: str, *, least: int, most: int = _MOST) -> Decimal:
    try:
        found = Decimal(value.strip().replace(",", ".").replace("\N{NO-BREAK SPACE}", ""))
    except InvalidOperation as error:
        raise InvalidInputError("ledger.form_field", field=field, value=value) from error
    if not found.is_finite() or not least <= found <= most:
        raise InvalidInputError("ledger.form_field", field=field, value=value)
    return found


def _whole(field: str, value: str, *, least: int, most: int = _MOST) -> int:
    found = _number(field, value, least=least, most=most)
    if found != int(found):
        raise InvalidInputError("ledger.form_field", field=field, value=value)
    return int(found)


def _day(field: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInputError("ledger.form_field", field=field, value=value) from error


def _choice(kind: type[ChoiceT], field: str, value: str) -> ChoiceT:
    try:
        return kind(value)
    except ValueError as error:
        raise InvalidInputError("ledger.form_field", field=field, value=value) from error
