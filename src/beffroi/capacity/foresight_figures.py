"""The years ahead as people look at them: demand, room, the month in which it is full; pure."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.capacity.foresight_terms import KeptForesight, Start, WantedForesight, started
from beffroi.capacity.growth import Foresight
from beffroi.capacity.model import HOURS_OF_WEEK, Amounts, Inventory, Plan, Resource
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import NO_FIGURE, told_euros, told_figure

_MONTHS: Final = 12
WIDTH: Final = 100.0
HEIGHT: Final = 60.0
_HEADROOM: Final = 1.15
_LINE: Final = 0.8
_POST: Final = 0.4


class AheadPicture(msgspec.Struct, frozen=True):
    """Demand and room of one resource, month by month; paths in a box of 100 by 60.

    Attributes:
        demand: The area under what all workloads take together.
        room: What may be used of the hosts at work.
        full: The last month that fits; empty where all of them do, or none does.
        share_today: Part of the room that is taken today.
        share_last: The same in the last month.
    """

    resource: Resource
    demand: str
    room: str
    full: str
    share_today: float
    share_last: float


class ToldYear(msgspec.Struct, frozen=True):
    """What has to be bought until the end of a year, in words.

    Attributes:
        hosts: How many; none where no purchase makes room.
        share: Of the most that any year needs, from 0 to 1.
    """

    year: int
    hosts: int | None
    cost: str
    share: float


def ahead_picture(plan: Plan, wanted: WantedForesight, found: Foresight) -> AheadPicture | None:
    """Draw the resource that fills first, or the fullest; nothing where hosts tell of none.

    The room is what the policy lets be used of the hosts that are not spare. Rules, and room kept
    for losses, can fill the platform before the sums do.
    """
    inventory = started(plan, wanted.start)
    room = list(_room_of(plan, inventory, wanted.start))
    taken = list(_taken_by(inventory))
    shares = {one: taken[place] / room[place] for place, one in enumerate(Resource) if room[place]}
    if not shares:
        return None
    runway = found.runway
    resource = max(shares, key=lambda one: shares[one])
    if runway.resource and runway.full_after_months:
        resource = Resource(runway.resource)
    today = shares[resource]
    months = _MONTHS * wanted.years
    curve = [today * (1 + wanted.per_year) ** (month / _MONTHS) for month in range(months + 1)]
    top = _HEADROOM * max(1.0, *curve)
    return AheadPicture(
        resource,
        _area(curve, top),
        _level(1 / top),
        _post(runway.full_after_months, months),
        today,
        curve[-1],
    )


def told_years(found: Foresight, language: Language) -> tuple[ToldYear, ...]:
    """Tell the purchases of each year, with the price of all until then."""
    years = found.runway.years
    most = max((one.hosts or 0 for one in years), default=0) or 1
    return tuple(
        ToldYear(
            one.year,
            one.hosts,
            NO_FIGURE
            if one.cost_eur is None
            else told_euros(Decimal(one.cost_eur), language, cents=False),
            (one.hosts or 0) / most,
        )
        for one in years
    )


def told_runway(
    wanted: WantedForesight, found: Foresight, made_at: datetime, language: Language
) -> str:
    """Say how long the platform suffices, and what fills it."""
    runway = found.runway
    values = {"percent": told_figure(100 * wanted.per_year, language), "years": wanted.years}
    if runway.full_after_months is None:
        return sentence(language, "capacity.ahead.suffices", **values)
    if not runway.full_after_months:
        return sentence(language, "capacity.ahead.full_now")
    months = runway.full_after_months
    last = _after(made_at, months, language)
    filler = sentence(language, f"capacity.ahead.fills_first.{runway.resource or 'rules'}")
    return sentence(
        language, "capacity.ahead.full_after", months=months, last=last, filler=filler, **values
    )


def last_month(kept: KeptForesight, language: Language) -> str:
    """Write the last month that fits; no figure where all do or none does."""
    months = kept.found.runway.full_after_months
    return _after(kept.made_at, months, language) if months else NO_FIGURE


def _after(moment: datetime, months: int, language: Language) -> str:
    year, month = divmod(_MONTHS * moment.year + moment.month - 1 + months, _MONTHS)
    return f"{sentence(language, f'capacity.ahead.months.{month + 1}')} {year}"


def _room_of(plan: Plan, inventory: Inventory, start: Start) -> Amounts:
    spares = {one.host.name for one in plan.hosts if one.spare and start is Start.PLANNED}
    room = Amounts()
    for host in inventory.hosts:
        if host.name not in spares:
            room += inventory.policy.usable(inventory.models[host.model].amounts)
    return room


def _taken_by(inventory: Inventory) -> Amounts:
    """Add up what all workloads take, CPU at their common busiest hour where the policy does."""
    taken = Amounts()
    cpu = [0] * HOURS_OF_WEEK
    for one in inventory.workloads:
        taken += one.amounts
        hours = one.cpu_by_hour or (one.amounts.cpu_milli,) * HOURS_OF_WEEK
        cpu = [total + milli for total, milli in zip(cpu, hours, strict=True)]
    return msgspec.structs.replace(taken, cpu_milli=max(cpu)) if inventory.policy.peaks else taken


def _area(curve: Sequence[float], top: float) -> str:
    step = WIDTH / (len(curve) - 1)
    points = "".join(
        f"L{month * step:.2f} {HEIGHT * (1 - share / top):.2f}" for month, share in enumerate(curve)
    )
    return f"M0 {HEIGHT:g}{points}V{HEIGHT:g}z"


def _level(share: float) -> str:
    return f"M0 {HEIGHT * (1 - share):.2f}h{WIDTH:g}v{_LINE}h-{WIDTH:g}z"


def _post(month: int | None, months: int) -> str:
    if not month:
        return ""
    return f"M{WIDTH * month / months:.2f} 0h{_POST}v{HEIGHT:g}h-{_POST}z"
