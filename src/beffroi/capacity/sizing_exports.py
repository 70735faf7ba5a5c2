"""Usage as hypervisors export it: Proxmox rrddata, and a log of virsh domstats."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from beffroi.capacity.inventories.findings import RejectedRow, RowPlace, WrongFileError
from beffroi.capacity.inventories.tables import refused
from beffroi.capacity.sizing_series import LOCAL_ZONE, Measure, Samples
from beffroi.capacity.sizing_times import LATEST_S

_DOMAIN: Final = re.compile(r"Domain: '(.*)'")
_FIGURE: Final = re.compile(r"([a-z][a-z0-9._-]*)=(\d{1,18})(?!\d)")
_MIB: Final = 1024**2
Points = dict[tuple[str, Measure], list[tuple[int, float]]]


def read_rrddata(file: Path, text: str) -> tuple[Samples, ...]:
    """Read ``pvesh get /nodes/NODE/qemu/ID/rrddata``, one file per machine and named after it.

    Several machines may stand in one file as ``{"NAME": [...], ...}``.

    Raises:
        WrongFileError: It is no such export, or one of its instants is none.
    """
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(file, "capacity.file_not_json", reason=str(error)) from error
    if isinstance(told, dict):
        told = told.get("data", told)
    machines = {file.stem: told} if isinstance(told, list) else told
    points: Points = defaultdict(list)
    for name, rows in machines.items():
        for number, row in enumerate(rows if isinstance(rows, list) else [], start=1):
            _check_instant(file, number, row)
            for measure, instant, value in _rrd_points(row):
                points[str(name), measure].append((instant, value))
    if not points:
        raise refused(file, "capacity.series_missing")
    return _samples(points)


def _check_instant(file: Path, number: int, row: Any) -> None:  # noqa: ANN401 - foreign JSON
    instant = row.get("time") if isinstance(row, dict) else None
    if isinstance(instant, int | float) and not abs(instant) < LATEST_S:
        place, code = RowPlace(str(file), number), "capacity.not_an_instant"
        raise WrongFileError(RejectedRow(place=place, code=code, column="time", value=str(instant)))


def _rrd_points(row: Any) -> Iterator[tuple[Measure, int, float]]:  # noqa: ANN401 - foreign JSON
    if not isinstance(row, dict) or not isinstance(row.get("time"), int | float):
        return
    instant = int(row["time"])
    cpu, cpus, memory = (row.get(key) for key in ("cpu", "maxcpu", "mem"))
    if isinstance(cpu, int | float) and isinstance(cpus, int | float):
        yield Measure.CPU_MILLI, instant, cpu * cpus * 1000
    if isinstance(memory, int | float):
        yield Measure.MEMORY_MIB, instant, memory / _MIB


def read_domstats(file: Path, text: str) -> tuple[Samples, ...]:
    """Read a log of ``date --iso-8601=seconds; virsh domstats --cpu-total --balloon``.

    Raises:
        WrongFileError: No date stands above the first domain.
    """
    instant: int | None = None
    domain = ""
    points: Points = defaultdict(list)
    memory: dict[str, int] = {}
    for number, line in enumerate([*text.splitlines(), "Domain: ''"], start=1):
        stamp, heading = _instant(line), _DOMAIN.search(line)
        if stamp is not None or heading is not None:
            _close(points, memory, domain, instant)
            memory = {}
            instant = stamp if stamp is not None else instant
            domain = heading[1] if heading is not None else ""
            if domain and instant is None:
                raise refused(file, "capacity.domstats_without_date", number)
        else:
            memory.update((name, int(value)) for name, value in _FIGURE.findall(line))
    return _samples(points)


def _instant(line: str) -> int | None:
    try:
        written = datetime.fromisoformat(line.strip())
    except ValueError:
        return None
    local = written if written.tzinfo else written.replace(tzinfo=LOCAL_ZONE)
    return int(local.timestamp())


def _close(points: Points, told: dict[str, int], domain: str, instant: int | None) -> None:
    """Keep what one domain told: its CPU time in nanoseconds, its memory in KiB."""
    if not domain or instant is None:
        return
    if "cpu.time" in told:
        points[domain, Measure.CPU_SECONDS].append((instant, told["cpu.time"] / 1e9))
    if "balloon.available" in told and "balloon.usable" in told:
        used_kib = told["balloon.available"] - told["balloon.usable"]
        points[domain, Measure.MEMORY_MIB].append((instant, used_kib / 1024))
    elif "balloon.rss" in told:
        points[domain, Measure.MEMORY_MIB].append((instant, told["balloon.rss"] / 1024))


def _samples(points: Points) -> tuple[Samples, ...]:
    return tuple(
        Samples(
            machine,
            measure,
            np.array([instant for instant, _ in found], dtype=np.int64),
            np.array([value for _, value in found], dtype=np.float64),
        )
        for (machine, measure), found in points.items()
    )
