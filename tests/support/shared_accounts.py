"""The accounts of three communes and a housing office, and what they used."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from beffroi.kernel.database import Scope
from beffroi.ledger.accounts_file import load_accounts
from beffroi.ledger.model import Accounts, Usage, UsageUnit
from beffroi.ledger.months import PARIS, Span, month_of
from beffroi.ledger.usage_sums import HostEnergy

ACCOUNTS_YAML: Final = """\
issuer:
  title: Communauté des Trois Tours
  siret: "20004321400010"
  address: [1 place de l'Hôtel de Ville]
  postcode: "93700"
  town: Drancy
  number_prefix: CTT
  vat_number: FR63200043214
  iban: FR76 3000 1007 9412 3456 7890 185
  bic: BDFEFRPPCCT

bodies:
  drancy:
    title: Ville de Drancy
    kind: commune
    organisations: [drancy]
    siret: "21931111500014"
    inhabitants: 72000
    posts: 1150
  le-bourget:
    title: Ville du Bourget
    kind: commune
    organisations: [le-bourget]
    siret: "21932222900010"
    inhabitants: 16000
    posts: 310
  dugny:
    title: Ville de Dugny
    kind: commune
    organisations: [dugny, dugny-ecoles]
    siret: "21933333300017"
    inhabitants: 11000
    posts: 190
  habitat:
    title: Office public de l'habitat
    kind: public_office
    organisations: [habitat]
    siret: "27934444400013"
    address: [4 rue de la République]
    postcode: "93700"
    town: Drancy
    charging: by_rates
    liable_for_vat: true
    vat_number: FR01279344444
    service_code: DSI
    commitment: "2026-0042"

keys:
  inhabitants:
    title: Population légale
    basis: inhabitants
  compute:
    title: Calcul et mémoire
    basis: usage
    units: {cpu_core_h: 3, memory_gib_h: 1}
  shared:
    title: Moitié population, moitié usage
    basis: mixed
    parts: {inhabitants: 1, compute: 1}
    floor_percent: 10
    ceiling_percent: 70
  revenue:
    title: Recettes de l'hébergement
    basis: inhabitants

costs:
  staff:
    title: Deux administrateurs systèmes
    nature: yearly
    amount_eur: 95000
    key: inhabitants
    account: "6411"
    since: 2026-01-01
  blades:
    title: Neuf lames
    nature: amortisation
    amount_eur: 86400.55
    life_years: 5
    key: shared
    account: "2183"
    since: 2026-02-15
  licences:
    title: Licences de virtualisation
    nature: monthly
    amount_eur: 1234.56
    key: compute
    account: "6512"
    since: 2026-01-01
  electricity:
    title: Électricité de la salle
    nature: energy
    eur_per_kwh: 0.1812
    pue: 1.45
    key: compute
    account: "60612"
    since: 2026-01-01

rates:
  cores-2026:
    title: Heure de cœur
    unit: cpu_core_h
    eur: 0.021
    included: 500
    account: "70848"
    since: 2026-01-01
    until: 2026-07-15
  cores-2026-07:
    title: Heure de cœur
    unit: cpu_core_h
    eur: 0.0195
    included: 500
    account: "70848"
    since: 2026-07-15
  storage:
    title: Stockage
    unit: storage_gib_h
    eur: 0.00012
    account: "70848"
    since: 2026-01-01
  desk:
    title: Assistance
    eur: 240
    account: "70848"
    since: 2026-01-01
    vat_percent: 20
"""
JULY: Final = date(2026, 7, 1)
FIRST_HALF: Final = Span(JULY, date(2026, 7, 15))
SECOND_HALF: Final = Span(date(2026, 7, 15), date(2026, 8, 1))


def accounts_of(text: str = ACCOUNTS_YAML) -> Accounts:
    """Read accounts from their text."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "accounts.yaml"
        file.write_text(text, encoding="utf-8")
        return load_accounts(file)


def used(
    application: str,
    organisation: str,
    quantities: Mapping[UsageUnit, str],
    span: Span = FIRST_HALF,
) -> Usage:
    """Make the use of an application over some days, each minute on record."""
    return Usage(
        application=application,
        organisation=organisation,
        since=span.begins_at,
        until=span.ends_at,
        quantities={unit: Decimal(text) for unit, text in quantities.items()},
        minutes=span.hours * 60,
    )


def use_of(spans: tuple[Span, ...]) -> tuple[Usage, ...]:
    """Make what each organisation used over each span."""
    found = []
    for number, span in enumerate(spans, 1):
        for organisation, cores in (
            ("drancy", 900),
            ("le-bourget", 250),
            ("dugny", 120),
            ("dugny-ecoles", 30),
            ("habitat", 700),
        ):
            quantities = {
                UsageUnit.CPU_CORE_H: f"{cores * number}.123457",
                UsageUnit.MEMORY_GIB_H: f"{cores * 3}.5",
                UsageUnit.STORAGE_GIB_H: f"{cores * 170}.000001",
                UsageUnit.ENERGY_MARGINAL_KWH: f"{cores // 10}.75",
                UsageUnit.ENERGY_IDLE_KWH: f"{cores // 20}.031",
            }
            found.append(used(f"{organisation}-site", organisation, quantities, span))
    return tuple(found)


def july_use() -> tuple[Usage, ...]:
    """Make the use of July 2026, whose 15th brings another rate."""
    return use_of((FIRST_HALF, SECOND_HALF))


def month_use(month: date) -> tuple[Usage, ...]:
    """Make the use of a month without a change of rate."""
    return use_of((month_of(month),))


def with_section(text: str, before: str, after: str) -> str:
    """Return accounts with one passage replaced, which must be there."""
    assert before in text
    return text.replace(before, after, 1)


def bare(accounts: Accounts) -> Accounts:
    """Leave out who pays by rates, and the rates."""
    return msgspec.structs.replace(accounts, bodies=dict(accounts.sharers), rates={})


class KnownUse:
    """Metering whose every time is known: what ``use_of`` makes of it."""

    async def usage(self, scope: Scope, since: datetime, until: datetime) -> tuple[Usage, ...]:
        assert scope.everything
        return use_of((Span(_day(since), _day(until)),))

    async def read_until(self) -> datetime | None:
        return datetime(2199, 1, 1, tzinfo=PARIS)

    async def host_energy(self, since: datetime, until: datetime) -> tuple[HostEnergy, ...]:
        assert since < until
        return ()


def _day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()
