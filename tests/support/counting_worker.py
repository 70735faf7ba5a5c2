"""Adds numbers up, as an example of a worker: 0 breaks it, below is refused, -1 with a finding."""

import time

from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress, Told, answer_as_worker
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding


def _added(upto: int, told: Told) -> int:
    if upto == -1:
        finding = Finding("territory.not_a_date", "numbers.yaml", 3, 7, ("day",), {"found": "x"})
        raise TerritoryInvalidError((finding,))
    if upto < 0:
        raise InvalidInputError("energy.power_points_few", count=upto)
    if upto > 1000:
        time.sleep(upto)
    total = 0
    for number in range(1, upto + 1):
        total += number
        told(Progress(number / upto, f"number {number}"))
    return total or 1 // upto


if __name__ == "__main__":
    answer_as_worker(int, _added)
