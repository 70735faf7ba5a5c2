"""Disks in an RVTools workbook: what each machine holds, and whose datastores are shared."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.capacity.inventories.columns import Column
from beffroi.capacity.inventories.rows import Row, TableReading
from beffroi.capacity.inventories.rvtools_columns import Detail

_DATASTORE: Final = re.compile(r"^\[([^\]]+)\]")


class Storage(msgspec.Struct, frozen=True):
    """What the tabs vPartition and vDatastore say.

    Attributes:
        partitions_gib: What the partitions of each machine hold; absent: nobody looked inside.
        local: Each datastore that a single host has, and that host.
        capacity_gib: What the local datastores of each host hold.
    """

    partitions_gib: Mapping[str, int]
    local: Mapping[str, str]
    capacity_gib: Mapping[str, int]

    def disk_gib(self, row: Row) -> int:
        """Return what a machine of the tab vInfo holds."""
        if row.name in self.partitions_gib:
            return self.partitions_gib[row.name]
        written = next((one for one in (Detail.IN_USE, Detail.PROVISIONED) if row.has(one)), None)
        return row.amount(written, needed=True) if written else 0

    def is_local(self, path: str) -> bool:
        """Tell whether a machine stands on a datastore that a single host has."""
        found = _DATASTORE.match(path)
        return found is not None and found[1] in self.local

    def of_host(self, host: str) -> int:
        """Return what the local datastores of a host hold, in GiB."""
        return self.capacity_gib.get(host, 0)


def storage_of(readings: Mapping[str, TableReading]) -> Storage:
    """Read the two tabs, when they are there."""
    partitions: dict[str, int] = defaultdict(int)
    if "vpartition" in readings:
        for row in readings["vpartition"].rows():
            partitions[row.name] += row.amount(Column.DISK, needed=True)
    local: dict[str, str] = {}
    capacity: dict[str, int] = defaultdict(int)
    if "vdatastore" in readings:
        for row in readings["vdatastore"].rows():
            hosts = [name.strip() for name in row.text(Detail.HOSTS).split(",") if name.strip()]
            amount = row.amount(Column.DISK, needed=False)
            if len(hosts) == 1:
                local[row.name] = hosts[0]
                capacity[hosts[0]] += amount
    return Storage(dict(partitions), local, dict(capacity))
