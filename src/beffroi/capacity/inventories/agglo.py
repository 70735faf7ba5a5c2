"""The regression inventories: a first line with the host, then one line per machine."""

from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import ReadInventory, RejectedRow, WrongFileError
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.own_tables import table_of, workloads_of
from beffroi.capacity.inventories.tables import Table
from beffroi.capacity.model import Amounts, HostModel, Policy

MODEL: Final = "agglo"
_SITES: Final = ("a", "b")
_AMOUNTS: Final = ("host_cpu_m", "host_mem_MiB", "host_disk_GiB")


def read_agglo(file: Path, asked: Import) -> ReadInventory:
    """Read one; its host is on sale and used whole, on two sites where groups span sites."""
    table = table_of(file)
    model = HostModel(name=MODEL, amounts=_host_amounts(table))
    read = workloads_of(table, asked)
    spans = any(workload.across_sites for workload in read.workloads)
    sites = _SITES if spans else _SITES[:1]
    return msgspec.structs.replace(
        read,
        sites=(asked.site,) if asked.site else sites,
        models={MODEL: model},
        buys=(MODEL,),
        policy=Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0),
    )


def _host_amounts(table: Table) -> Amounts:
    """Read ``#host_cpu_m,25600,host_mem_MiB,245760,host_disk_GiB,2300,LB,22``."""
    cells = table.comment.removeprefix("#").split(",")
    pairs = dict(zip(cells[::2], cells[1::2], strict=False))
    told = [pairs.get(name, "").strip() for name in _AMOUNTS]
    if not all(one.isdecimal() and int(one) for one in told):
        raise WrongFileError(
            RejectedRow(
                place=table.place(1), code="capacity.agglo_host_missing", value=table.comment
            )
        )
    return Amounts(*map(int, told))
