"""Placements and needs of quotes, for tests: figures are invented."""

from decimal import Decimal
from pathlib import Path

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.ledger.accounts_file import load_accounts
from beffroi.ledger.model import Accounts
from beffroi.ledger.quotes.needs import BuyerLine, Needs, Terms
from beffroi.ledger.quotes.needs_file import load_needs
from beffroi.ledger.quotes.ports import (
    HostUse,
    OrganisationLoad,
    Placement,
    PlatformPlan,
    Shares,
)

STORY = Path(__file__).parents[2] / "stories" / "drancy"
TENANT = "office-habitat"
_NOTHING = Shares(Decimal(0), Decimal(0), Decimal(0))
_HALF = Shares(Decimal(40), Decimal(50), Decimal("12.5"))


def drancy_needs() -> Needs:
    """Return what the housing office asks for."""
    return load_needs(STORY / "needs.yaml")


def drancy_accounts() -> Accounts:
    """Return what everything costs."""
    return load_accounts(STORY / "accounts.yaml")


def with_terms(needs: Needs, **terms: object) -> Needs:
    """Change the terms of needs."""
    changed: Terms = msgspec.structs.replace(needs.terms, **terms)
    return msgspec.structs.replace(needs, terms=changed)


def without_lines(needs: Needs, *lines: BuyerLine) -> Needs:
    """Put other lines in the place of the buyer's."""
    return msgspec.structs.replace(needs, lines=lines)


def load(organisation: str, cores: str, memory_gib: str, disk_gib: str) -> OrganisationLoad:
    """Say what an organisation is sized for; its energy follows from its cores."""
    return OrganisationLoad(
        organisation=organisation,
        workloads=10,
        cores=Decimal(cores),
        memory_gib=Decimal(memory_gib),
        disk_gib=Decimal(disk_gib),
        marginal_kwh=Decimal(cores) * 60,
        idle_kwh=Decimal(memory_gib) * 5,
    )


SHARERS = (
    load("drancy", "61.9", "485", "8650"),
    load("dugny", "13.8", "106", "2330"),
    load("le-bourget", "27.2", "240", "4280"),
)
OFFICE = load(TENANT, "44", "337", "5850")


def plan(hosts: int, *loads: OrganisationLoad, purchase_eur: str, upkeep_eur: str) -> PlatformPlan:
    """Return a plan with a spare, all of whose hosts are bought."""
    return PlatformPlan(
        hosts=tuple(
            HostUse(
                host=f"lame-{number}",
                site="mairie",
                model="lame",
                spare=number == hosts,
                bought=True,
                others=_NOTHING if number == hosts else _HALF,
                tenant=_NOTHING if number == hosts else _HALF,
            )
            for number in range(1, hosts + 1)
        ),
        loads=loads,
        purchase_eur=Decimal(purchase_eur),
        upkeep_eur=Decimal(upkeep_eur),
        kwh_known=True,
        mean_load=Decimal(1),
        gap=0,
        holds=True,
        losses=hosts,
        words={Language.FR: "C'est le disque.", Language.EN: "It is the disk."},
    )


def placement(
    tenant: OrganisationLoad = OFFICE, *, added_eur: str = "19600", upkeep_eur: str = "1280"
) -> Placement:
    """Return a platform of five hosts without the tenant and seven with it."""
    joined_eur = str(Decimal(49000) + Decimal(added_eur))
    joined_upkeep = str(Decimal(3200) + Decimal(upkeep_eur))
    return Placement(
        hosts_now=27,
        without=plan(5, *SHARERS, purchase_eur="49000", upkeep_eur="3200"),
        joined=plan(7, *SHARERS, tenant, purchase_eur=joined_eur, upkeep_eur=joined_upkeep),
    )
