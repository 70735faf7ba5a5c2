"""The process that looks ahead: ``python -m beffroi.capacity.growth_planner``."""

from beffroi.capacity.growth import ForesightRequest
from beffroi.capacity.planning.foresight import foreseen
from beffroi.kernel.processes.workers import answer_as_worker

if __name__ == "__main__":
    answer_as_worker(ForesightRequest, foreseen)
