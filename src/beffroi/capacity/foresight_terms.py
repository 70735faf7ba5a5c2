"""What is asked of a plan's future, and what is kept of the answer; pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from beffroi.capacity.growth import Foresight, ForesightRequest, WhatIf
from beffroi.capacity.model import Inventory, Plan
from beffroi.capacity.newcomers import standard_workload

LEAST_PER_YEAR: Final = -0.5
MOST_PER_YEAR: Final = 1.0
MOST_YEARS: Final = 10
LEAST_CORES: Final = 0.1
MOST_CORES: Final = 512.0
LEAST_MEMORY_GIB: Final = 0.25
MOST_MEMORY_GIB: Final = 16_384.0
MOST_DISK_GIB: Final = 1_000_000.0


class Start(StrEnum):
    """Which platform is looked at: that of the plan, carried out, or today's hosts."""

    PLANNED = "planned"
    TODAY = "today"


class WantedForesight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the future of a plan.

    Attributes:
        start: The platform that is looked at.
        per_year: Growth of every workload in a year; 0.03 for 3 %.
        years: How far to look.
        cores: CPU of the standard workload that room is counted in, in cores.
        memory_gib: Its memory, in GiB.
        disk_gib: Its disk space, in GiB.
    """

    start: Start = Start.PLANNED
    per_year: Annotated[float, Meta(ge=LEAST_PER_YEAR, le=MOST_PER_YEAR)] = 0.03
    years: Annotated[int, Meta(ge=1, le=MOST_YEARS)] = 5
    cores: Annotated[float, Meta(ge=LEAST_CORES, le=MOST_CORES)] = 2.0
    memory_gib: Annotated[float, Meta(ge=LEAST_MEMORY_GIB, le=MOST_MEMORY_GIB)] = 8.0
    disk_gib: Annotated[float, Meta(ge=0, le=MOST_DISK_GIB)] = 100.0


class KeptForesight(msgspec.Struct, frozen=True, kw_only=True):
    """A foresight with what was asked, by whom and when."""

    plan_id: str
    actor: str
    made_at: datetime
    wanted: WantedForesight
    found: Foresight


class WantedChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan made anew for a changed inventory.

    Attributes:
        start: The platform that changes.
    """

    what_if: WhatIf
    start: Start = Start.PLANNED


def started(plan: Plan, start: Start) -> Inventory:
    """Return the inventory of a plan as it stands today, or once the plan is carried out."""
    if start is Start.TODAY:
        return plan.inventory
    placement = plan.placement
    return msgspec.structs.replace(
        plan.inventory,
        hosts=plan.used_hosts,
        workloads=tuple(
            msgspec.structs.replace(one, host=placement[one.name])
            for one in plan.inventory.workloads
        ),
    )


def foresight_request(plan: Plan, wanted: WantedForesight) -> ForesightRequest:
    """Return what the planner is asked.

    Today's hosts count as they run, those included that their owners told to go.
    """
    inventory = started(plan, wanted.start)
    hosts = tuple(msgspec.structs.replace(one, switched_off=False) for one in inventory.hosts)
    models = [inventory.models[host.model] for host in hosts]
    planned = wanted.start is Start.PLANNED
    return ForesightRequest(
        inventory=inventory,
        hosts=hosts,
        standard=standard_workload(models, wanted.cores, wanted.memory_gib, wanted.disk_gib),
        spares=tuple(one.host.name for one in plan.hosts if one.spare) if planned else (),
        per_year=wanted.per_year,
        years=wanted.years,
    )
