"""The process in which placements are made better.

``python -m beffroi.capacity.rebalancing.worker``, asked through ``kernel.processes.workers``, so
that the platform itself never loads numba.
"""

from beffroi.capacity.rebalancing.islands import rebalance
from beffroi.capacity.rebalancing.model import Rebalanced, RebalancingRequest
from beffroi.kernel.processes.workers import Told, answer_as_worker


def answer(request: RebalancingRequest, told: Told) -> Rebalanced:
    """Make the placement better that was asked for."""
    return rebalance(request.problem, request.present, request.effort, told)


if __name__ == "__main__":
    answer_as_worker(RebalancingRequest, answer)
