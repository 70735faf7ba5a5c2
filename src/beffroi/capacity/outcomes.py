"""What a plan comes to in one line, and what a change is called; pure."""

from decimal import Decimal

import msgspec

from beffroi.capacity.growth import (
    EverythingGrows,
    HostDies,
    OrganisationJoins,
    SiteCloses,
    WhatIf,
)
from beffroi.capacity.model import Decision, Plan
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_figure


class Outcome(msgspec.Struct, frozen=True):
    """A plan in one line.

    Attributes:
        hosts: Those it keeps or buys, spares included.
        bought: Those it buys.
        cost_eur: What these cost, taxes excluded; nothing where a price is not known.
        holds: Whether its proof does.
    """

    hosts: int
    bought: int
    cost_eur: Decimal | None
    holds: bool


class PlannedChange(msgspec.Struct, frozen=True):
    """A change planned anew: what the plan comes to, or why there is none."""

    change: str
    outcome: Outcome | None
    refusal: str = ""


def outcome_of(plan: Plan) -> Outcome:
    """Sum a plan up."""
    bought = [one.host for one in plan.hosts if one.decision is Decision.BUY]
    prices = [plan.inventory.models[host.model].price_eur for host in bought]
    known = [Decimal(price) for price in prices if price is not None]
    return Outcome(
        hosts=len(plan.used_hosts),
        bought=len(bought),
        cost_eur=sum(known, Decimal()) if len(known) == len(prices) else None,
        holds=plan.proof.holds,
    )


def told_what_if(what_if: WhatIf, language: Language) -> str:
    """Say what changes."""
    match what_if:
        case OrganisationJoins(workloads):
            names = sorted({one.organisation for one in workloads} - {""})
            if not names:
                return _told("workloads_join", language, count=len(workloads))
            count, told = len(workloads), ", ".join(names)
            return _told("organisation_joins", language, names=told, count=count)
        case HostDies(host):
            return _told("host_dies", language, host=host)
        case SiteCloses(site):
            return _told("site_closes", language, site=site)
        case EverythingGrows(per_year, months):
            percent = told_figure(100 * per_year, language)
            return _told("everything_grows", language, percent=percent, months=months)


def _told(key: str, language: Language, **values: str | int) -> str:
    return sentence(language, f"capacity.what_ifs.{key}", **values)
