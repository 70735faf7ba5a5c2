"""Made-up inventories of a shared IT department, like those of ../shared/data/capacity/agglo."""

import csv
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.packing.problem import IntArray, Packing, plain_packing

_AGGLO: Final = Path(__file__).parents[3] / "shared" / "data" / "capacity" / "agglo"
# CPU in thousandths of a core (80 % of 32 cores), memory in MiB, disk in GiB.
BALANCED_HOST: Final = (25_600, 245_760, 2_300)
SMALL_HOST: Final = (12_800, 122_880, 1_150)


class _Class(msgspec.Struct, frozen=True):
    """A class of machines: its share of the inventory and usual sizes."""

    share: float
    cores: int
    cpu_share: float
    memory_mib: int
    disk_gib: int


# Shares and sizes as counted in agglo_bal_3000_s0.csv; the largest last.
_CLASSES: Final = (
    _Class(0.206, 2, 0.32, 8_192, 60),
    _Class(0.195, 2, 0.46, 4_096, 43),
    _Class(0.143, 1, 0.17, 2_048, 30),
    _Class(0.136, 4, 0.38, 16_384, 145),
    _Class(0.097, 4, 0.47, 8_192, 73),
    _Class(0.085, 8, 0.34, 32_768, 215),
    _Class(0.049, 8, 0.28, 65_536, 430),
    _Class(0.048, 8, 0.90, 32_768, 108),
    _Class(0.030, 2, 0.17, 8_192, 1_080),
    _Class(0.011, 16, 0.39, 131_072, 730),
)
_GROUPED: Final = 0.25


def inventory(items: int, host: tuple[int, int, int], seed: int) -> Packing:
    """Draw an inventory; small hosts get none of the largest class."""
    dice = np.random.default_rng(seed)
    classes = _CLASSES if host == BALANCED_HOST else _CLASSES[:-1]
    shares = np.array([one.share for one in classes])
    drawn = dice.choice(len(classes), size=items, p=shares / shares.sum())
    cores = np.array([one.cores for one in classes])[drawn]
    usual = np.array([one.cpu_share for one in classes])[drawn]
    used = np.minimum(usual * np.exp(dice.normal(0.0, 0.55, items)), 1.0)
    memory = np.array([one.memory_mib for one in classes])[drawn]
    memory = memory * dice.choice([3, 4, 6], size=items, p=[0.2, 0.6, 0.2]) // 4
    disk = np.array([one.disk_gib for one in classes])[drawn] * dice.uniform(0.5, 1.5, items)
    disk = np.minimum(disk, host[2] * 3 // 4)
    demand = np.column_stack(
        [np.maximum(cores * used * 100, 5).astype(np.int64) * 10, memory, disk // 5 * 5]
    ).astype(np.int64)
    return _with_groups(demand, host, _drawn_groups(items, dice))


def read_inventory(name: str) -> Packing | None:
    """Read a file of the shared data, or return none where it is absent."""
    path = _AGGLO / f"{name}.csv"
    if not path.is_file():
        return None
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    told = first.split(",")
    rows = list(csv.DictReader(lines))
    columns = ("cpu_p95_milli", "mem_MiB", "disk_GiB")
    demand = np.array([[int(row[column]) for column in columns] for row in rows], dtype=np.int64)
    groups = np.array([int(row["anti_affinity_group"] or -1) for row in rows], dtype=np.int64)
    return _with_groups(demand, (int(told[1]), int(told[3]), int(told[5])), groups)


def _with_groups(demand: IntArray, host: tuple[int, int, int], groups: IntArray) -> Packing:
    """Offer twice as many hosts as the scarcest resource asks for."""
    hosts = 2 * int((-(-demand.sum(axis=0) // np.array(host))).max()) + 4
    capacity = np.tile(np.array(host, dtype=np.int64), (hosts, 1))
    return msgspec.structs.replace(plain_packing(demand, capacity), apart=groups)


def _drawn_groups(items: int, dice: np.random.Generator) -> IntArray:
    """Put a quarter of the items into groups of two to four."""
    groups = np.full(items, -1, dtype=np.int64)
    order = dice.permutation(items)
    begin, number = 0, 0
    while begin < items * _GROUPED:
        size = int(dice.choice([2, 3, 4], p=[0.54, 0.31, 0.15]))
        groups[order[begin : begin + size]] = number
        begin, number = begin + size, number + 1
    return groups
