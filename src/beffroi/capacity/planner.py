"""The planner's process: ``python -m beffroi.capacity.planner`` answers one request."""

from beffroi.capacity.model import Plan, PlanRequest
from beffroi.capacity.planning.consolidation import plan
from beffroi.kernel.processes.workers import Told, answer_as_worker


def answer(request: PlanRequest, told: Told) -> Plan:
    """Make the plan that was asked for."""
    return plan(request.inventory, told, deadline_s=request.deadline_s, seed=request.seed)


if __name__ == "__main__":
    answer_as_worker(PlanRequest, answer)
