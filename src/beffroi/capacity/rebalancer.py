"""The process that rebalances an inventory: ``python -m beffroi.capacity.rebalancer``."""

from beffroi.capacity.rebalanced import RebalancingOrder
from beffroi.capacity.rebalancing.estate import rebalanced
from beffroi.kernel.processes.workers import answer_as_worker

if __name__ == "__main__":
    answer_as_worker(RebalancingOrder, rebalanced)
