"""What the columns and the metrics of usage series mean."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import wrong
from beffroi.capacity.inventories.quantities import UnitRules, plain_word, unit_factor
from beffroi.capacity.model import Resource
from beffroi.capacity.sizing_series import Measure

_WORDS: Final = re.compile(r"[a-z]+|%")
_TIMES: Final = frozenset({"timestamp", "time", "date", "horodatage", "clock", "instant"})
_MACHINES: Final = frozenset(
    {"vm", "workload", "machine", "nom", "name", "host", "instance", "domain", "series"}
)
_METRICS: Final = frozenset({"metric", "metrique", "key", "cle", "measure", "mesure"})
_VALUES: Final = frozenset({"value", "valeur"})
_CPU: Final = frozenset({"cpu", "processor", "processeur"})
_MEMORY: Final = frozenset({"mem", "memory", "memoire", "ram"})
_SHARES: Final = frozenset({"%", "percent", "pct", "pourcent", "util", "utilization"})
_BITBRAINS: Final = {"cpu usage [%]", "cpu cores", "memory usage [kb]"}
_MIB_PER_BYTE: Final = 1 / 1024**2
_KNOWN_METRICS: Final[Mapping[str, tuple[Measure, float]]] = {
    "system.cpu.util": (Measure.CPU_SHARE, 0.01),
    "cpu.usage.average": (Measure.CPU_SHARE, 0.01),
    "mem.active.average": (Measure.MEMORY_MIB, 1 / 1024),
    "vm.memory.utilization": (Measure.MEMORY_SHARE, 0.01),
    "vm.memory.size[used]": (Measure.MEMORY_MIB, _MIB_PER_BYTE),
    "libvirt_domain_info_cpu_time_seconds_total": (Measure.CPU_SECONDS, 1.0),
    "libvirt_domain_info_memory_usage_bytes": (Measure.MEMORY_MIB, _MIB_PER_BYTE),
    "container_cpu_usage_seconds_total": (Measure.CPU_SECONDS, 1.0),
    "container_memory_working_set_bytes": (Measure.MEMORY_MIB, _MIB_PER_BYTE),
}


class Valued(msgspec.Struct, frozen=True):
    """A column of values: what it measures, and what to multiply it by.

    Attributes:
        times: Another column to multiply it by.
    """

    column: int
    measure: Measure
    factor: float
    times: int | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a table tells what.

    Attributes:
        machine: Column of the machine; absent: the file is named after it.
        metric: Column that names what each row measures; then ``value`` holds it.
        width: How many cells a row needs.
    """

    heading: tuple[str, ...]
    time: int
    machine: int | None
    metric: int | None = None
    value: int = 0
    values: tuple[Valued, ...] = ()

    @property
    def width(self) -> int:
        """How many cells a row needs."""
        columns = [self.time, self.machine or 0, self.metric or 0]
        columns += [self.value] if self.metric is not None else []
        columns += [column for one in self.values for column in (one.column, one.times or 0)]
        return max(columns) + 1


def layout_of(heading: Sequence[str], rules: UnitRules) -> Layout:
    """Recognise a heading.

    Raises:
        WrongValueError: It has no instant, no measure, or a measure without a usable unit.
    """
    written = tuple(cell.strip() for cell in heading)
    plain = [plain_word(cell) for cell in written]
    if set(plain) >= _BITBRAINS:
        return _bitbrains(written, plain)
    words = [frozenset(_WORDS.findall(cell)) for cell in plain]
    time = _first(words, _TIMES)
    if time is None:
        raise wrong("capacity.column_missing", column="timestamp")
    machine = next((place for place, one in enumerate(words) if one and one <= _MACHINES), None)
    metric, value = _first(words, _METRICS), _first(words, _VALUES)
    if metric is not None and value is not None:
        return Layout(heading=written, time=time, machine=machine, metric=metric, value=value)
    values = [
        _valued(place, written[place], one, rules)
        for place, one in enumerate(words)
        if one & (_CPU | _MEMORY)
    ]
    if not values:
        raise wrong("capacity.column_missing", column="cpu_percent")
    return Layout(heading=written, time=time, machine=machine, values=tuple(values))


def _first(words: Sequence[frozenset[str]], known: frozenset[str]) -> int | None:
    return next((place for place, one in enumerate(words) if one & known), None)


def _bitbrains(written: tuple[str, ...], plain: Sequence[str]) -> Layout:
    """Lay out a file of the GWA-T-12 archive; its KB are of 1024 bytes."""
    usage, cores = plain.index("cpu usage [%]"), plain.index("cpu cores")
    return Layout(
        heading=written,
        time=next(place for place, cell in enumerate(plain) if cell.startswith("timestamp")),
        machine=None,
        values=(
            Valued(usage, Measure.CPU_MILLI, 10.0, times=cores),
            Valued(plain.index("memory usage [kb]"), Measure.MEMORY_MIB, 1 / 1024),
        ),
    )


def _valued(column: int, written: str, words: frozenset[str], rules: UnitRules) -> Valued:
    is_cpu = bool(words & _CPU)
    if words & _SHARES:
        return Valued(column, Measure.CPU_SHARE if is_cpu else Measure.MEMORY_SHARE, 0.01)
    if is_cpu and words & {"seconds", "secondes"}:
        return Valued(column, Measure.CPU_SECONDS, 1.0)
    if not is_cpu and words & {"bytes", "octets"}:
        return Valued(column, Measure.MEMORY_MIB, _MIB_PER_BYTE)
    resource = Resource.CPU if is_cpu else Resource.MEMORY
    unit = re.findall(r"[a-z]+", plain_word(written))[-1]
    known = words - _CPU - _MEMORY - {"usage", "used", "utilise", "utilisee", "active"}
    factor = unit_factor(resource, unit if known else "", rules)
    measure = Measure.CPU_MILLI if is_cpu else Measure.MEMORY_MIB
    return Valued(column, measure, float(factor))


def metric_of(name: str, column: int, rules: UnitRules) -> Valued | None:
    """Tell what a metric measures by its name, labels left aside; nothing: not known.

    Raises:
        WrongValueError: It is about CPU or memory, in a unit that cannot be used.
    """
    plain = plain_word(name).partition("{")[0].strip()
    if plain in _KNOWN_METRICS:
        measure, factor = _KNOWN_METRICS[plain]
        return Valued(column, measure, factor)
    words = frozenset(_WORDS.findall(plain))
    if not words & (_CPU | _MEMORY) or "." in plain:
        return None
    return _valued(column, plain, words, rules)
