"""Whose energy it was: a host's joules divided between those who stand there; pure.

What a host takes at rest is shared by reserved memory, and what nobody reserved (the spare that
lets a host be lost) has a line of its own. What load adds is shared by CPU time, and what none of
the applications took is the platform's. Amounts are whole millijoules and add up to the host's
energy exactly. What the room takes on top is no part of it: accounts multiply by their PUE.
"""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

from beffroi.energy.model import Estimate, Method, PowerModel
from beffroi.energy.ports import Coverage, MeterCapabilities

_MJ_PER_J = 1000


class MeasuredEnergy(msgspec.Struct, frozen=True):
    """What a host's meter told."""

    joules: float
    meter: MeterCapabilities


class TenantLoad(msgspec.Struct, frozen=True):
    """What an application did on a host for a while.

    Attributes:
        reserved_mib: Memory that is kept for it, whether it uses it or not.
    """

    application: str
    organisation: str
    cpu_s: float
    reserved_mib: int


class HostLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What a host did for a while.

    Attributes:
        cpus: Threads of the host.
        cpu_s: CPU time of everything on it, applications included.
        measured: Nothing where no meter told.
    """

    duration_s: float
    power: PowerModel
    cpus: int
    memory_mib: int
    cpu_s: float
    tenants: tuple[TenantLoad, ...]
    measured: MeasuredEnergy | None = None


class EnergyShare(msgspec.Struct, frozen=True):
    """What an application is answerable for."""

    application: str
    organisation: str
    marginal_mj: int
    idle_mj: int


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """A host's energy, divided.

    Attributes:
        energy_mj: All of it: the shares, ``unreserved_mj`` and ``platform_mj``.
        low_mj, high_mj: Its interval.
        modelled: Whether a part of it comes from a model.
    """

    energy_mj: int
    low_mj: int
    high_mj: int
    modelled: bool
    shares: tuple[EnergyShare, ...]
    unreserved_mj: int
    platform_mj: int


def attributed(load: HostLoad) -> Attribution:
    """Divide a host's energy.

    At rest it takes what its model says, or all that it took where that is less: so more CPU time
    of one tenant never lowers its own energy.
    """
    energy = _energy(load)
    total_mj = round(energy.value * _MJ_PER_J)
    idle_mj = min(total_mj, round(load.power.idle_w().value * load.duration_s * _MJ_PER_J))
    reserved = [tenant.reserved_mib for tenant in load.tenants]
    *idle, unreserved_mj = _divided(idle_mj, [*reserved, max(0, load.memory_mib - sum(reserved))])
    spent = [tenant.cpu_s for tenant in load.tenants]
    *marginal, platform_mj = _divided(
        total_mj - idle_mj, [*spent, max(0.0, load.cpu_s - sum(spent))]
    )
    return Attribution(
        energy_mj=total_mj,
        low_mj=min(total_mj, round(energy.low * _MJ_PER_J)),
        high_mj=max(total_mj, round(energy.high * _MJ_PER_J)),
        modelled=energy.method is Method.MODELLED,
        shares=tuple(
            EnergyShare(tenant.application, tenant.organisation, *parts)
            for tenant, *parts in zip(load.tenants, marginal, idle, strict=True)
        ),
        unreserved_mj=unreserved_mj,
        platform_mj=platform_mj,
    )


def _energy(load: HostLoad) -> Estimate:
    if load.measured is None:
        busy = min(1.0, load.cpu_s / (load.cpus * load.duration_s)) if load.duration_s > 0 else 0.0
        return (load.power.idle_w() + load.power.marginal_w(busy)).scaled(load.duration_s)
    joules, error = load.measured.joules, load.measured.meter.accuracy
    metered = Estimate(joules, joules * (1 - error), joules * (1 + error), Method.METERED)
    if load.measured.meter.coverage is Coverage.PROCESSORS:
        return metered + load.power.rest_w().scaled(load.duration_s)
    return metered


def _divided(amount: int, weights: Sequence[float]) -> list[int]:
    """Divide a whole number by weights; the last one takes all where none weighs anything."""
    reached = list(accumulate(weights))
    if reached[-1] <= 0:
        return [0] * (len(reached) - 1) + [amount]
    told = [round(amount * (upto / reached[-1])) for upto in reached]
    return [now - before for before, now in zip([0, *told], told, strict=False)]
