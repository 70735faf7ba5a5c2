"""The worker that reads who joins: ``python -m beffroi.capacity.inventories.newcomers_reader``."""

from beffroi.capacity.inventories.reader import limit_memory, read_newcomers
from beffroi.kernel.processes.workers import answer_as_worker

if __name__ == "__main__":
    limit_memory()
    answer_as_worker(list[str], read_newcomers)
