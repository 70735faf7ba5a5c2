"""Statements of one month like those of Drancy: three communes share, the housing office pays.

Figures are invented; sums are exact to the cent, as those of the ledger are.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from beffroi.energy.model import Method
from beffroi.ledger.documents.model import DayUse, MonthCost
from beffroi.ledger.model import (
    Accounts,
    AllocationKey,
    Body,
    BodyKind,
    Charging,
    CostCentre,
    CostNature,
    Explanation,
    Issuer,
    KeyBasis,
    LineKind,
    Rate,
    Statement,
    StatementLine,
    StatementState,
    Usage,
    UsageUnit,
)

MONTH, NEXT = date(2026, 10, 1), date(2026, 11, 1)
SINCE, UNTIL = datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)
ISSUED_AT = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
MINUTES = 745 * 60
CENT = Decimal("0.01")
DIGEST = "3f1c9a52d0b7e84466a1f0c2b95d7e318a40cf6b2e9d157390b8c4a7e6f2d105"

ISSUER = Issuer(
    title="Communauté de communes Drancy – Le Bourget – Dugny",  # noqa: RUF001
    siret="20005481600018",
    address=("Hôtel communautaire", "12 place de l’Hôtel-de-Ville"),  # noqa: RUF001
    postcode="93700",
    town="Drancy",
    number_prefix="NUM",
    vat_number="FR12200054816",
    iban="FR76 3000 1007 9412 3456 7890 185",
    bic="BDFEFRPPCCT",
)


def _commune(name: str, title: str, inhabitants: int, siret: str) -> Body:
    return Body(
        name=name,
        title=title,
        kind=BodyKind.COMMUNE,
        organisations=(name,),
        siret=siret,
        address=("Hôtel de ville", "1 place de la Mairie"),
        postcode="93700",
        town=title.removeprefix("Ville de ").removeprefix("du "),
        inhabitants=inhabitants,
        posts=inhabitants // 60,
    )


OFFICE = Body(
    name="habitat",
    title="Seine-Saint-Denis Habitat",
    kind=BodyKind.PUBLIC_OFFICE,
    organisations=("habitat",),
    siret="27930001000029",
    address=("10 rue Gisèle-Halimi",),
    postcode="93000",
    town="Bobigny",
    charging=Charging.BY_RATES,
    liable_for_vat=True,
    vat_number="FR45279300010",
    service_code="DSI",
    commitment="2026-0417-HEB",
)
COMMUNES = (
    _commune("drancy", "Ville de Drancy", 72_366, "21930029700018"),
    _commune("bourget", "Ville du Bourget", 17_155, "21930013100019"),
    _commune("dugny", "Ville de Dugny", 11_245, "21930030500019"),
)
ACCOUNTS = Accounts(
    issuer=ISSUER,
    bodies={body.name: body for body in (*COMMUNES, OFFICE)},
    keys={
        "inhabitants": AllocationKey(
            name="inhabitants", title="Population légale", basis=KeyBasis.INHABITANTS
        ),
        "use": AllocationKey(
            name="use",
            title="Usage mesuré (processeur et mémoire)",
            basis=KeyBasis.USAGE,
            units={UsageUnit.CPU_CORE_H: Decimal("0.5"), UsageUnit.MEMORY_GIB_H: Decimal("0.5")},
        ),
        "energy": AllocationKey(
            name="energy",
            title="Énergie attribuée",
            basis=KeyBasis.USAGE,
            units={
                UsageUnit.ENERGY_MARGINAL_KWH: Decimal(1),
                UsageUnit.ENERGY_IDLE_KWH: Decimal(1),
            },
        ),
        "equal": AllocationKey(name="equal", title="Parts égales", basis=KeyBasis.EQUAL),
        "mixed": AllocationKey(
            name="mixed",
            title="Moitié population, moitié usage",
            basis=KeyBasis.MIXED,
            parts={"inhabitants": Decimal("0.5"), "use": Decimal("0.5")},
            floor_percent=Decimal(5),
        ),
    },
    costs={
        name: CostCentre(
            name=name,
            title=title,
            nature=nature,
            key=key,
            since=date(2026, 1, 1),
            account=account,
            amount_eur=Decimal(12 * 1000),
        )
        for name, title, nature, key, account in (
            ("staff", "Agents de la direction du numérique", CostNature.YEARLY, "mixed", "70848"),
            ("blades", "Amortissement des neuf lames", CostNature.AMORTISATION, "use", "70878"),
            ("power", "Électricité des deux salles", CostNature.ENERGY, "energy", "70878"),
            ("licences", "Licences et maintenance", CostNature.YEARLY, "inhabitants", "70878"),
            ("link", "Liaison optique entre les salles", CostNature.MONTHLY, "equal", "70878"),
        )
    },
    rates={
        rate.name: rate
        for rate in (
            Rate(
                name="core",
                title="Heure de cœur de processeur",
                unit=UsageUnit.CPU_CORE_H,
                eur=Decimal("0.0215"),
                since=date(2026, 1, 1),
                account="70688",
            ),
            Rate(
                name="memory",
                title="Gibioctet-heure de mémoire",
                unit=UsageUnit.MEMORY_GIB_H,
                eur=Decimal("0.00485"),
                since=date(2026, 1, 1),
                account="70688",
            ),
            Rate(
                name="storage",
                title="Gibioctet-heure de stockage",
                unit=UsageUnit.STORAGE_GIB_H,
                eur=Decimal("0.000118"),
                since=date(2026, 1, 1),
                account="70688",
            ),
            Rate(
                name="supervision",
                title="Astreinte et supervision, forfait mensuel",
                eur=Decimal(640),
                since=date(2026, 1, 1),
                account="70688",
            ),
        )
    },
)
COSTS: Mapping[str, Decimal] = {
    "staff": Decimal("18250.00"),
    "blades": Decimal("3541.67"),
    "power": Decimal("1087.43"),
    "licences": Decimal("2916.66"),
    "link": Decimal("780.00"),
}
UNITS: Mapping[str, tuple[str, tuple[str, str, str]]] = {
    "staff": ("percent", ("64.1", "21.1", "14.8")),
    "blades": ("percent", ("58", "24.7", "17.3")),
    "power": ("energy_marginal_kwh", ("1702.4", "811.25", "514.06")),
    "licences": ("inhabitant", ("72366", "17155", "11245")),
    "link": ("equal_share", ("1", "1", "1")),
}
APPLICATIONS: Mapping[str, tuple[str, ...]] = {
    "drancy": ("citoyens", "familles", "site-ville", "urbanisme"),
    "bourget": ("familles", "site-ville"),
    "dugny": ("site-ville",),
    "habitat": ("astreinte", "extranet", "locataires"),
}


def shared(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share whole cents by weight, the largest remainders first."""
    total = sum(weights, Decimal(0))
    exact = [amount * weight / total for weight in weights]
    parts = [one.quantize(CENT, ROUND_FLOOR) for one in exact]
    left = int((amount - sum(parts, Decimal(0))) / CENT)
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for position in order[:left]:
        parts[position] += CENT
    return parts


def usage_of(body: str) -> tuple[Usage, ...]:
    """Tell what each application of a body used."""
    return tuple(
        Usage(
            application=name,
            organisation=body,
            since=SINCE,
            until=UNTIL,
            quantities={
                UsageUnit.CPU_CORE_H: Decimal("412.508333") * (place + 1),
                UsageUnit.MEMORY_GIB_H: Decimal("2980.25") * (place + 2),
                UsageUnit.STORAGE_GIB_H: Decimal("89400.5") * (place + 1),
                UsageUnit.TRAFFIC_GIB: Decimal("61.75") * (place + 1),
                UsageUnit.REQUESTS_1000: Decimal("1820.114") * (place + 1),
                UsageUnit.ENERGY_MARGINAL_KWH: Decimal("38.412507") * (place + 1),
                UsageUnit.ENERGY_IDLE_KWH: Decimal("61.085") * (place + 1),
            },
            minutes=MINUTES - 3 * place,
            energy_method=Method.MODELLED if place else Method.MEASURED,
        )
        for place, name in enumerate(APPLICATIONS[body])
    )


def _cost_line(number: int, subject: str, place: int) -> StatementLine:
    centre, (unit, told) = ACCOUNTS.costs[subject], UNITS[subject]
    units = [Decimal(one) for one in told]
    amount = shared(COSTS[subject], units)[place]
    total = sum(units, Decimal(0))
    price = (COSTS[subject] / total).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return StatementLine(
        number=number,
        kind=LineKind.COST_SHARE,
        subject=subject,
        title=centre.title,
        since=MONTH,
        until=NEXT,
        quantity=units[place],
        unit=unit,
        unit_price_eur=price,
        amount_eur=amount,
        explanation=Explanation(
            "cost_monthly",
            {"amount_eur": f"{COSTS[subject]}"},
            (
                Explanation(
                    "key_usage", {"units": told[place], "all_units": f"{total}", "unit": unit}
                ),
            ),
        ),
        account=centre.account,
        key=centre.key,
        all_units=total,
        cost_eur=COSTS[subject],
    )


def _rate_line(number: int, rate: Rate, used: Sequence[Usage]) -> StatementLine:
    quantity, told = Decimal(1), Explanation("rate_flat", {"price_eur": f"{rate.eur}"})
    if rate.unit is not None:
        quantity = sum((one.quantities[rate.unit] for one in used), Decimal(0))
    amount = (quantity * rate.eur).quantize(CENT, ROUND_HALF_UP)
    if rate.unit is not None:
        values = {"quantity": f"{quantity}", "unit": rate.unit.value, "price_eur": f"{rate.eur}"}
        told = Explanation("rate_used", {**values, "cost_eur": f"{amount}"})
    return StatementLine(
        number=number,
        kind=LineKind.RATE,
        subject=rate.name,
        title=rate.title,
        since=MONTH,
        until=NEXT,
        quantity=quantity,
        unit=rate.unit or "month",
        unit_price_eur=rate.eur,
        amount_eur=amount,
        explanation=told,
        account=rate.account,
        vat_percent=rate.vat_percent,
    )


def _statement(
    number: int,
    body: Body,
    lines: Sequence[StatementLine],
) -> Statement:
    return Statement(
        number=f"NUM-2026-{number:06}",
        body=body,
        month=MONTH,
        state=StatementState.ISSUED,
        lines=tuple(lines),
        usage=usage_of(body.name),
        accounts_version=7,
        digest=DIGEST,
        issued_at=ISSUED_AT,
    )


def drancy_statements() -> tuple[Statement, ...]:
    """State October 2026 for the three communes, then for the housing office."""
    used = usage_of(OFFICE.name)
    sold = [_rate_line(place + 1, rate, used) for place, rate in enumerate(ACCOUNTS.rates.values())]
    office = _statement(4, OFFICE, sold)
    revenue = shared(office.net_eur, [Decimal(1)] * len(COMMUNES))
    found = []
    for place, body in enumerate(COMMUNES):
        lines = [_cost_line(number + 1, name, place) for number, name in enumerate(COSTS)]
        lines.append(_revenue_line(len(lines) + 1, office.net_eur, revenue[place]))
        found.append(_statement(place + 1, body, lines))
    return (*found, office)


def _revenue_line(number: int, revenue: Decimal, part: Decimal) -> StatementLine:
    return StatementLine(
        number=number,
        kind=LineKind.REVENUE_SHARE,
        subject="revenue",
        title="Part de la recette des clients au tarif",
        since=MONTH,
        until=NEXT,
        quantity=Decimal(1),
        unit="equal_share",
        unit_price_eur=-part,
        amount_eur=-part,
        explanation=Explanation(
            "revenue",
            {"cost_eur": f"{revenue}"},
            (Explanation("key_equal", {"all_units": f"{len(COMMUNES)}"}),),
        ),
        account="70688",
        key="equal",
        all_units=Decimal(len(COMMUNES)),
        cost_eur=-revenue,
    )


def drancy_days() -> tuple[DayUse, ...]:
    """Tell what each body used by day: less on Saturdays and Sundays."""
    return tuple(
        DayUse(
            body=body,
            day=date(2026, 10, number),
            quantities={
                UsageUnit.CPU_CORE_H: Decimal(60 + 7 * (number % 5)) / busy,
                UsageUnit.ENERGY_MARGINAL_KWH: Decimal(9 + number % 4) / busy,
                UsageUnit.ENERGY_IDLE_KWH: Decimal("13.2"),
            },
        )
        for body in APPLICATIONS
        for number in range(1, 32)
        for busy in [2 if date(2026, 10, number).weekday() > 4 else 1]
    )


def drancy_history() -> tuple[MonthCost, ...]:
    """Tell six months of cost by centre for the communes."""
    return tuple(
        MonthCost(
            body=body.name,
            month=date(2026, month, 1),
            subject=line.subject,
            title=line.title,
            amount_eur=(line.amount_eur * (Decimal(88) + 2 * month) / 108).quantize(CENT),
        )
        for statement in drancy_statements()
        for body in [statement.body]
        for month in range(5, 11)
        for line in statement.lines
    )
