"""How limits are held on this machine: control groups where we may, else per process."""

from beffroi.kernel.processes.limits.cgroup1 import Cgroup1Limiter
from beffroi.kernel.processes.limits.cgroup2 import Cgroup2Limiter
from beffroi.kernel.processes.limits.halting import Motion
from beffroi.kernel.processes.limits.limiter import Limiter, LimiterCapabilities
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter

LIMITERS: dict[str, type[Cgroup2Limiter | Cgroup1Limiter | RlimitLimiter]] = {
    "cgroup2": Cgroup2Limiter,
    "cgroup1": Cgroup1Limiter,
    "rlimits": RlimitLimiter,
}

__all__ = ["LIMITERS", "Limiter", "LimiterCapabilities", "Motion", "best_limiter"]


def best_limiter(namespace: str) -> Limiter:
    """Return the strongest limiter that this user may use on this machine.

    Args:
        namespace: Keeps the groups of two platforms on one machine apart.
    """
    return next(kind(namespace) for kind in LIMITERS.values() if kind.usable())
