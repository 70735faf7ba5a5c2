"""The nouns of capacity: what there is, what it must carry, and a plan with its proof."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

HOURS_OF_WEEK: Final = 168


class Resource(StrEnum):
    """What a workload takes of a host; the order is that of every vector of amounts."""

    CPU = "cpu_milli"
    MEMORY = "memory_mib"
    DISK = "disk_gib"
    IO = "io_per_s"


class Amounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity of each resource; whole numbers, so that sums are exact.

    Attributes:
        cpu_milli: Thousandths of a core.
        memory_mib: Memory, in MiB.
        disk_gib: Disk space, in GiB.
        io_per_s: Disk operations per second; 0 where nobody measured them.
    """

    cpu_milli: Annotated[int, Meta(ge=0)] = 0
    memory_mib: Annotated[int, Meta(ge=0)] = 0
    disk_gib: Annotated[int, Meta(ge=0)] = 0
    io_per_s: Annotated[int, Meta(ge=0)] = 0

    def __iter__(self) -> Iterator[int]:
        return iter((self.cpu_milli, self.memory_mib, self.disk_gib, self.io_per_s))

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(mine + its for mine, its in zip(self, other, strict=True)))

    def fits(self, room: "Amounts") -> bool:
        """Tell whether there is room for this."""
        return all(mine <= its for mine, its in zip(self, room, strict=True))


class Criticality(StrEnum):
    """What the loss of a site means for a workload."""

    CRITICAL = "critical"
    SHEDDABLE = "sheddable"


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual machine or an application that runs on one host.

    Attributes:
        organisation: Who owns it; empty when nobody said.
        amounts: What it is sized for; its CPU is the highest of ``cpu_by_hour`` when that is set.
        cpu_by_hour: CPU per hour of the week, Monday 0 h first, in thousandths of a core: 168
            values, or none when it is taken to be constant.
        apart: Workloads with the same word stand on distinct hosts.
        across_sites: Its group ``apart`` covers at least two sites.
        together: Workloads with the same word stand on one host.
        sites: Where it may run; empty: anywhere.
        licence: Needs a host that has this licence; empty: any host.
        criticality: Whether it must run again after the loss of a site.
        host: Where it runs now; empty: nowhere yet.
        fixed: May not leave its host.
        downtime_s: How long a move stops it; 0: moved while it runs.
        windows: Hours of the week in which it may be moved; empty: any.
    """

    name: str
    amounts: Amounts
    organisation: str = ""
    cpu_by_hour: tuple[int, ...] = ()
    apart: str = ""
    across_sites: bool = False
    together: str = ""
    sites: tuple[str, ...] = ()
    licence: str = ""
    criticality: Criticality = Criticality.CRITICAL
    host: str = ""
    fixed: bool = False
    downtime_s: int = 0
    windows: tuple[int, ...] = ()


class PowerPoint(msgspec.Struct, frozen=True):
    """A point of a power curve: load from 0 to 1, power in watts."""

    load: float
    power_w: float


class HostModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of host: what it holds, takes and costs.

    Attributes:
        amounts: The whole machine; what may be used of it is told by ``Policy``.
        rack_units: Height, in rack units; half a blade chassis' share counts as its part.
        power: Published or measured points of its power, by rising load; at least two.
        power_source: Who published them.
        price_eur: What buying one costs, in euros, taxes excluded; nothing when none is on sale.
        yearly_eur: Maintenance and licences per year, in euros.
        embodied_kg: What making it emitted, in kg of CO2 equivalent.
        licences: What software may run on it.
    """

    name: str
    amounts: Amounts
    rack_units: float = 1.0
    power: tuple[PowerPoint, ...] = ()
    power_source: str = ""
    price_eur: str | None = None
    yearly_eur: str = "0"
    embodied_kg: float = 0.0
    licences: tuple[str, ...] = ()


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that is there, or that a plan buys.

    Attributes:
        organisations: Whose workloads alone it takes; empty: everybody's.
        switched_off: Told by its owners to go, whatever the plan.
    """

    name: str
    model: str
    site: str
    organisations: tuple[str, ...] = ()
    switched_off: bool = False


class SiteLoss(StrEnum):
    """What must still run when a site is lost."""

    IGNORED = "ignored"
    SHED = "shed"
    KEEP = "keep"


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a plan is made.

    Attributes:
        cpu_share: Part of a host's CPU that may be used.
        memory_share: Part of its memory.
        disk_share: Part of its disk.
        spare_hosts: Hosts that each site may lose with nothing stopped.
        site_loss: IGNORED; SHED: after a site's loss only critical workloads run, on the other
            site; KEEP: the survivor keeps its own too.
        peaks: Whether CPU is added up hour by hour of the week, or as if all peaks met.
    """

    cpu_share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    memory_share: Annotated[float, Meta(gt=0, le=1)] = 0.95
    disk_share: Annotated[float, Meta(gt=0, le=1)] = 0.9
    spare_hosts: Annotated[int, Meta(ge=0, le=16)] = 1
    site_loss: SiteLoss = SiteLoss.IGNORED
    peaks: bool = True

    def usable(self, amounts: Amounts) -> Amounts:
        """Return what may be used of a host; disk operations are used whole."""
        return Amounts(
            int(amounts.cpu_milli * self.cpu_share),
            int(amounts.memory_mib * self.memory_share),
            int(amounts.disk_gib * self.disk_share),
            amounts.io_per_s,
        )


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What there is and what it must carry.

    Attributes:
        sites: Names, at most one of them per room that may be lost as a whole.
        models: By name, those on sale included.
        buys: Models that a plan may buy; empty: it makes do with the hosts there are.
        origin: Which files it was read from.
    """

    sites: tuple[str, ...]
    models: Mapping[str, HostModel]
    hosts: tuple[Host, ...]
    workloads: tuple[Workload, ...]
    buys: tuple[str, ...] = ()
    policy: Policy = Policy()
    origin: tuple[str, ...] = ()


class Reason(msgspec.Struct, frozen=True):
    """Why, as a sentence of the catalogue (``capacity.reasons.CODE``) and its values."""

    code: str
    values: Mapping[str, str | int | float] = {}


class Decision(StrEnum):
    """What becomes of a host."""

    KEEP = "keep"
    BUY = "buy"
    SWITCH_OFF = "switch_off"


class HostDecision(msgspec.Struct, frozen=True):
    """What becomes of one host, and why; a kept or bought one: why it cannot go."""

    host: Host
    decision: Decision
    why: Reason
    spare: bool = False


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the present placement to the planned one.

    Attributes:
        number: Its place in the order, from 1; every prefix leaves a placement that holds.
        wave: Moves of one wave may run side by side.
        origin: Empty for a workload that did not run yet.
        downtime_s: How long the workload is down: after a stop, at least, until it starts again.
        parked: A stop on the way, because its room is not free yet.
        hour: Hour of the week in which it may begin.
        until: After a stop, the number of the move that starts it again; 0: no stop.
    """

    number: int
    wave: int
    workload: str
    origin: str
    target: str
    downtime_s: int = 0
    parked: bool = False
    hour: int | None = None
    until: int = 0


class Bound(msgspec.Struct, frozen=True):
    """No plan under this policy does with fewer hosts.

    Attributes:
        hosts: How many, spares included.
        why: Which resource or rule sets it.
    """

    hosts: int
    why: Reason


class Check(msgspec.Struct, frozen=True):
    """One rule, looked at by the checker that shares no code with the planner."""

    rule: str
    holds: bool
    looked_at: int
    breaches: tuple[Reason, ...] = ()


class Replay(msgspec.Struct, frozen=True):
    """What happens at the loss of a host or of a whole site, without moving anything else.

    Attributes:
        lost: Host or site.
        restarted: Workload to host.
        shed: Workloads that wait until the site is back.
        stranded: Workloads that should have started again and found no room.
    """

    lost: str
    is_site: bool
    restarted: Mapping[str, str]
    shed: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a plan worth trust.

    Attributes:
        optimal: It holds, and no plan uses fewer hosts.
        loss_sets: How many sets of ``Policy.spare_hosts`` hosts of one site may be lost at once.
        loss_sets_tried: How many of these were lost in the replays.
    """

    bound: Bound
    hosts: int
    optimal: bool
    checks: tuple[Check, ...]
    replays: tuple[Replay, ...]
    loss_sets: int = 0
    loss_sets_tried: int = 0

    @property
    def gap(self) -> int:
        """How many hosts above the bound."""
        return self.hosts - self.bound.hosts

    @property
    def holds(self) -> bool:
        """Whether every rule holds and nothing is stranded."""
        return all(check.holds for check in self.checks) and not any(
            replay.stranded for replay in self.replays
        )


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan: hosts, placement, moves, proof.

    Attributes:
        placement: Workload to host.
        method: How the packing was found: greedy, annealing, exact.
        took_s: How long the planner worked.
        remarks: What whoever carries it out must know first.
    """

    inventory: Inventory
    hosts: tuple[HostDecision, ...]
    placement: Mapping[str, str]
    moves: tuple[Move, ...]
    proof: Proof
    method: str
    took_s: float
    made_at: datetime | None = None
    remarks: tuple[Reason, ...] = ()

    @property
    def used_hosts(self) -> tuple[Host, ...]:
        """Hosts that are kept or bought, spares included."""
        return tuple(one.host for one in self.hosts if one.decision is not Decision.SWITCH_OFF)


class PlanRequest(msgspec.Struct, frozen=True):
    """What the planner is asked.

    Attributes:
        deadline_s: How long the packing may be searched for.
        seed: The same seed gives the same plan.
    """

    inventory: Inventory
    deadline_s: float = 60.0
    seed: int = 1
