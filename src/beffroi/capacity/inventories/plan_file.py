"""The nouns of plan.yaml: an inventory as its owners declare it; loads nothing heavy."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from beffroi.capacity.inventories.kinds import ByteUnits, Import, Name
from beffroi.capacity.model import Criticality, PowerPoint, SiteLoss

Names = tuple[Name, ...]
Money = Annotated[Decimal, Meta(extra_json_schema={"minimum": 0, "maximum": 10_000_000})]
Cores = Annotated[float, Meta(ge=0.001, le=4096, description="Processor cores.")]
Memory = Annotated[float, Meta(ge=0.001, le=65_536, description="Memory, in GiB.")]
Disk = Annotated[float, Meta(ge=0, le=10_000_000, description="Disk space, in GiB.")]
Operations = Annotated[int, Meta(ge=0, le=100_000_000, description="Disk operations per second.")]
Figure = Annotated[Decimal, Meta(extra_json_schema={"minimum": 0, "maximum": 100_000})]
Share = Annotated[float, Meta(ge=0.05, le=1)]


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the file has in common."""


class DeclaredPolicy(Declared, frozen=True, kw_only=True):
    """How a plan is made; what is left out keeps its usual value."""

    cpu_share: Annotated[Share, Meta(description="Part of a host's CPU that may be used.")] = 0.8
    memory_share: Annotated[Share, Meta(description="Part of its memory.")] = 0.95
    disk_share: Annotated[Share, Meta(description="Part of its disk.")] = 0.9
    spare_hosts: Annotated[
        int, Meta(ge=0, le=16, description="Hosts each site may lose with nothing stopped.")
    ] = 1
    site_loss: Annotated[
        SiteLoss, Meta(description="After a site's loss: ignored, shed what may stop, keep all.")
    ] = SiteLoss.IGNORED
    peaks: Annotated[bool, Meta(description="Add CPU up hour by hour of the week.")] = True


class DeclaredSite(Declared, frozen=True, kw_only=True):
    """A room that may be lost as a whole."""

    name: Annotated[Name, Meta(description="Key of the site.")]
    hosts: Annotated[
        Names, Meta(description="Imported hosts that stand there, * standing for anything.")
    ] = ()


class DeclaredModel(Declared, frozen=True, kw_only=True):
    """A model of host; one that is imported under the same name gives way to it."""

    name: Annotated[Name, Meta(description="Key of the model.")]
    cores: Cores
    memory_gib: Memory
    disk_gib: Disk = 0.0
    io_per_s: Operations = 0
    rack_units: Annotated[float, Meta(ge=0.05, le=60, description="Height, in rack units.")] = 1.0
    idle_w: Annotated[float, Meta(ge=0, le=100_000, description="Power at rest, in watts.")] = 0.0
    full_w: Annotated[float, Meta(ge=0, le=100_000, description="Power at full load.")] = 0.0
    power: Annotated[
        tuple[PowerPoint, ...], Meta(description="Points of its power, instead of the two above.")
    ] = ()
    power_source: Annotated[str, Meta(max_length=300, description="Who published it.")] = ""
    price_eur: Annotated[Money, Meta(description="Price without taxes; left out: not on sale.")] = (
        Decimal(0)
    )
    yearly_eur: Annotated[Money, Meta(description="Maintenance and licences per year.")] = Decimal(
        0
    )
    embodied_kg: Annotated[
        float, Meta(ge=0, le=1_000_000, description="CO2 emitted to make it, in kg.")
    ] = 0.0
    licences: Annotated[Names, Meta(description="What software may run on it.")] = ()


class DeclaredHost(Declared, frozen=True, kw_only=True):
    """A machine, or ``count`` of them, then named NAME-1 and so on."""

    name: Annotated[Name, Meta(description="Key of the host.")]
    model: Annotated[Name, Meta(description="Its model.")]
    site: Annotated[
        str, Meta(max_length=200, description="Its site; needless if there is one.")
    ] = ""
    count: Annotated[int, Meta(ge=1, le=10_000, description="How many.")] = 1
    organisations: Annotated[Names, Meta(description="Whose workloads alone it takes.")] = ()
    switched_off: Annotated[bool, Meta(description="It goes, whatever the plan.")] = False


class DeclaredWorkload(Declared, frozen=True, kw_only=True):
    """A virtual machine or an application."""

    name: Annotated[Name, Meta(description="Key of the workload.")]
    cores: Cores
    memory_gib: Memory
    disk_gib: Disk = 0.0
    io_per_s: Operations = 0
    organisation: Annotated[str, Meta(max_length=200, description="Its owner.")] = ""
    host: Annotated[str, Meta(max_length=200, description="Where it runs now.")] = ""


class Rule(Declared, frozen=True, kw_only=True):
    """What holds for some workloads; what is left out stays as it is."""

    workloads: Annotated[
        Names, Meta(min_length=1, description="Which ones, * standing for anything.")
    ]
    apart: Annotated[bool, Meta(description="On distinct hosts.")] = False
    across_sites: Annotated[bool, Meta(description="And on two sites at least (with apart).")] = (
        False
    )
    together: Annotated[bool, Meta(description="On one host.")] = False
    sites: Annotated[Names, Meta(description="Where they may run.")] = ()
    licence: Annotated[str, Meta(max_length=200, description="A licence their host needs.")] = ""
    criticality: Annotated[
        Criticality | UnsetType, Meta(description="critical, or sheddable when a site is lost.")
    ] = UNSET
    organisation: Annotated[str, Meta(max_length=200, description="Their owner.")] = ""
    fixed: Annotated[bool, Meta(description="They may not leave their host.")] = False
    downtime_s: (
        Annotated[
            int, Meta(ge=0, le=604_800, description="How long a move stops them, in seconds.")
        ]
        | UnsetType
    ) = UNSET


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class Window(Declared, frozen=True, kw_only=True):
    """Hours in which workloads may be moved; past midnight when it ends before it begins."""

    days: Annotated[tuple[Day, ...], Meta(description="Days on which it begins; default: all.")] = (
        tuple(Day)
    )
    from_h: Annotated[int, Meta(ge=0, le=23, description="First hour, 0 to 23.")] = 0
    to_h: Annotated[int, Meta(ge=0, le=24, description="Hour at which it ends, 0 to 24.")] = 24


class CpuSizing(StrEnum):
    """What a workload's CPU is taken to be."""

    MEASURED = "measured"
    ALLOTTED = "allotted"


class MemorySizing(StrEnum):
    """What a workload's memory is taken to be."""

    ALLOTTED = "allotted"
    ADVISED = "advised"


class DeclaredUsage(Declared, frozen=True, kw_only=True):
    """Series of what workloads used."""

    files: Annotated[Names, Meta(min_length=1, description="Files of series, or folders of them.")]
    byte_units: Annotated[
        ByteUnits, Meta(description="What MB and GB mean in them: binary (1024) or decimal (1000).")
    ] = ByteUnits.UNSTATED
    ghz_per_core: Annotated[
        float, Meta(ge=0, le=10, description="Clock of one core, for MHz and GHz; 0: unknown.")
    ] = 0.0
    since: Annotated[date | UnsetType, Meta(description="First day looked at.")] = UNSET
    until: Annotated[date | UnsetType, Meta(description="Last day looked at.")] = UNSET
    databases: Annotated[
        Names,
        Meta(description="Workloads sized by their p99 instead of p95, * standing for anything."),
    ] = ()
    cpu: Annotated[
        CpuSizing, Meta(description="measured: p95 per hour of the week; allotted: as declared.")
    ] = CpuSizing.MEASURED
    memory: Annotated[
        MemorySizing, Meta(description="allotted: as declared; advised: what the series show.")
    ] = MemorySizing.ALLOTTED


class DeclaredRange(Declared, frozen=True, kw_only=True):
    """A figure, and how wrong it may be."""

    value: Annotated[Figure, Meta(description="What it is taken to be.")]
    low: Annotated[Figure | UnsetType, Meta(description="Its lowest; default: the value.")] = UNSET
    high: Annotated[Figure | UnsetType, Meta(description="Its highest; default: the value.")] = (
        UNSET
    )


class DeclaredSavings(Declared, frozen=True, kw_only=True):
    """What the savings of the plan are counted with; nothing has a silent default."""

    electricity_eur_per_kwh: Annotated[
        DeclaredRange, Meta(description="Price of a kWh, all that grows with use included.")
    ]
    pue_before: Annotated[
        DeclaredRange, Meta(description="Energy of the rooms for 1 of their machines, today.")
    ]
    pue_after: Annotated[DeclaredRange, Meta(description="The same once the plan is done.")]
    grid_g_per_kwh: Annotated[
        DeclaredRange, Meta(description="What a kWh emits, in grams of CO2 equivalent.")
    ]
    grid_source: Annotated[
        str, Meta(min_length=1, max_length=300, description="Who published it, year and scope.")
    ]
    load: Annotated[
        DeclaredRange, Meta(description="Mean CPU used, for 1 of what workloads are sized for.")
    ]
    amortisation_years: Annotated[
        int, Meta(ge=1, le=30, description="Years over which purchases are spread.")
    ]
    spares_off: Annotated[
        bool, Meta(description="Spare hosts stay switched off until they are needed.")
    ] = False


class PlanFile(Declared, frozen=True, kw_only=True):
    """The file plan.yaml."""

    sites: Annotated[
        Mapping[Name, DeclaredSite], Meta(description="Rooms; default: those of the hosts.")
    ] = {}
    policy: Annotated[DeclaredPolicy | UnsetType, Meta(description="How the plan is made.")] = UNSET
    host_models: Annotated[Mapping[Name, DeclaredModel], Meta(description="Models of host.")] = {}
    hosts: Annotated[Mapping[Name, DeclaredHost], Meta(description="Machines there are.")] = {}
    buys: Annotated[Names, Meta(description="Models that the plan may buy.")] = ()
    imports: Annotated[tuple[Import, ...], Meta(description="Files that hold more.")] = ()
    workloads: Annotated[
        Mapping[Name, DeclaredWorkload], Meta(description="Workloads no file holds.")
    ] = {}
    rules: Annotated[tuple[Rule, ...], Meta(description="What holds for which workloads.")] = ()
    windows: Annotated[
        Mapping[Name, tuple[Window, ...]],
        Meta(description="When workloads may be moved, by organisation."),
    ] = {}
    usage: Annotated[DeclaredUsage | UnsetType, Meta(description="What workloads used.")] = UNSET
    savings: Annotated[
        DeclaredSavings | UnsetType, Meta(description="What savings are counted with.")
    ] = UNSET


SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "sites": DeclaredSite,
    "host_models": DeclaredModel,
    "hosts": DeclaredHost,
    "workloads": DeclaredWorkload,
}
