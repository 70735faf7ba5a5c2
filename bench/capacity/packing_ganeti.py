"""Ganeti's tools: hspace on equal machines with one host to spare, hail on an inventory."""

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.packing.problem import Packing, plain_packing
from beffroi.capacity.packing.search import pack_into
from beffroi.kernel.processes.commands import run_command
from bench.capacity.packing_run import drawn, planned
from bench.measuring import Figures

_HAIL: Final = "/usr/lib/ganeti/iallocators/hail"
_HOSTS: Final = int(os.environ.get("BENCH_GANETI_HOSTS", "10"))
_TOOL_S: Final = 300.0
_OURS_S: Final = 10.0
_GROUP: Final = "group-01"
_IDENTITY: Final = "fake-uuid-01"
# Disk in MiB, memory in MiB, cores; one machine's disk, memory and virtual cores.
_HOST: Final = (2_355_200, 245_760, 32)
_MACHINE: Final = (51_200, 16_384, 4)
_CORES_PER_CORE: Final = 4
_MORE_HOSTS: Final = 8
# Smallest and largest machine: memory, cores, disk, disks, cards, spindles.
_SIZES: Final = "1,1,1,1,1,1;524288,512,8388608,16,8,12"


async def ganeti_figures() -> dict[str, Figures]:
    """Run both tools, or tell why not."""
    if shutil.which("hspace") is None or not Path(_HAIL).exists():
        return {"ganeti-htools": {"skipped": "not installed: apt-get install ganeti-htools"}}
    return {
        f"{_HOSTS} hosts, one to spare, equal machines": await _hspace(),
        "60 machines (seed 0), hail": await _hail(drawn(60, 0)),
    }


async def _hspace() -> Figures:
    """Count the equal machines that fit while any one host may be lost."""
    begun_s = time.monotonic()
    ended = await run_command(
        (
            *("hspace", "--simulate", ",".join(map(str, ("preferred", _HOSTS, *_HOST)))),
            *("--standard-alloc", ",".join(map(str, _MACHINE))),
            *("--disk-template", "plain", "--machine-readable"),
        ),
        deadline_s=_TOOL_S,
    )
    told = dict(line.split("=", 1) for line in ended.output.splitlines() if "=" in line)
    theirs_s, begun_s = time.monotonic() - begun_s, time.monotonic()
    ours = 0
    while _fits(ours + 1):
        ours += 1
    return {
        "hspace": told.get("HTS_ALLOC_INSTANCES", f"nothing in {_TOOL_S:.0f} s"),
        "hspace_wall_s": round(theirs_s, 1),
        "beffroi": ours,
        "beffroi_wall_s": round(time.monotonic() - begun_s, 1),
    }


def _fits(machines: int) -> bool:
    """Tell whether so many equal machines fit when one host is left empty."""
    disk, memory, cores = _HOST
    capacity = np.tile([disk, memory, cores * _CORES_PER_CORE], (_HOSTS - 1, 1))
    demand = np.tile(_MACHINE, (machines, 1))
    return pack_into(plain_packing(demand, capacity), seed=1, steps=100_000) is not None


async def _hail(packing: Packing) -> Figures:
    """Find the fewest hosts, from the bound up, on which hail places all machines in turn."""
    bound = planned(packing, _OURS_S).proof.bound.hosts
    begun_s = time.monotonic()
    for hosts in range(bound, bound + _MORE_HOSTS):
        if await _placed_by_hail(packing, hosts) == packing.items:
            taken_s = round(time.monotonic() - begun_s, 1)
            return {"hosts": hosts, "bound": bound, "wall_s": taken_s}
    return {"hosts": f"more than {bound + _MORE_HOSTS - 1}", "bound": bound, "wall_s": None}


async def _placed_by_hail(packing: Packing, hosts: int) -> int:
    """Have hail place one machine after the other, the largest first; count those it places."""
    shares = (packing.demand / packing.capacity[0]).sum(axis=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = folder / "begun"
        await asyncio.to_thread(cluster.write_text, _cluster(packing, hosts), "ascii")
        for placed, item in enumerate(np.argsort(-shares, kind="stable").tolist()):
            request, saved = folder / f"request-{item}", folder / f"state-{item}"
            await asyncio.to_thread(request.write_bytes, _request(packing, item))
            ended = await run_command(
                (_HAIL, "-t", str(cluster), "--no-capacity-checks", "-S", str(saved), str(request)),
                deadline_s=_TOOL_S,
            )
            if '"success":true' not in ended.output:
                return placed
            cluster = saved.with_suffix(".post-ialloc")
    return packing.items


def _cluster(packing: Packing, hosts: int) -> str:
    """Describe empty hosts in the text format of htools(1); CPU in hundredths of a core."""
    cpu, memory, disk = (int(amount) for amount in packing.capacity[0])
    cores, disk_mib = cpu // 10, disk * 1024
    # The first node is the master, which it must have.
    nodes = [
        f"node-{number}|{memory}|0|{memory}|{disk_mib}|{disk_mib}|{cores}"
        f"|{'N' if number else 'M'}|{_IDENTITY}|1||N|0|0|1.0"
        for number in range(hosts)
    ]
    templates = "diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster"
    policy = f"|1,1,1,1,1,1|{_SIZES.replace('512', str(cores))}|{templates}|1.0|1000.0"
    # A blank line ends each section; no machine runs yet.
    lines = [f"{_GROUP}|{_IDENTITY}|preferred||", "", *nodes, "", ""]
    lines += ["htools:iextags:apart", "", policy, f"{_GROUP}{policy}", ""]
    return "\n".join(lines)


def _request(packing: Packing, item: int) -> bytes:
    cpu, memory, disk = (int(amount) for amount in packing.demand[item])
    group = int(packing.apart[item])
    machine = {
        "type": "allocate",
        "name": f"machine-{item}",
        "memory": memory,
        "disk_space_total": disk * 1024,
        "disks": [{"size": disk * 1024, "mode": "rw"}],
        "vcpus": -(-cpu // 10),
        "nics": [],
        "os": "x",
        "tags": [f"apart:{group}"] if group >= 0 else [],
        "required_nodes": 1,
        "disk_template": "plain",
        "hypervisor": "kvm",
        "spindle_use": 1,
    }
    cluster = {key: dict[str, str]() for key in ("nodegroups", "nodes", "instances", "ipolicy")}
    known = {"version": 2, "cluster_name": "c", "cluster_tags": [], "enabled_hypervisors": ["kvm"]}
    return msgspec.json.encode({**known, **cluster, "request": machine})
