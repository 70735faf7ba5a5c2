"""Plans as people look at them: racks before and after, hours of the week, moves; pure.

Each drawing is a few paths, whatever the number of hosts, so that a page stays light.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from beffroi.capacity.model import HOURS_OF_WEEK, Decision, Host, Move, Plan, Workload

RACK_UNITS: Final = 42
RACK_WIDTH: Final = 90
UNIT_HEIGHT: Final = 8
_RACK_GAP: Final = 14
_BAR_LEFT: Final = 8
_BAR_WIDTH: Final = 74
_HOURS: Final = 24
_LEVELS: Final = 5
_LANE_HEIGHT: Final = 10
_STEP_WIDTH: Final = 10


class RackPicture(msgspec.Struct, frozen=True):
    """The racks of one site; each field after the sizes is the path of one kind of shape.

    Attributes:
        outlines: Hosts that run.
        spare: Hosts kept free for the loss of another.
        gone: Hosts that are switched off.
        cpu: How much of each host's CPU is taken at its busiest hour.
        memory: How much of its memory.
    """

    site: str
    hosts: int
    width: int
    height: int
    outlines: str
    spare: str
    gone: str
    cpu: str
    memory: str


class WeekPicture(msgspec.Struct, frozen=True):
    """CPU by hour of the week: a path of cells for each level, the lowest first."""

    levels: tuple[str, ...]
    busiest_cores: float
    quietest_cores: float
    busiest_hour: int


class MovesPicture(msgspec.Struct, frozen=True):
    """Moves in time: a lane per host that receives, a step per wave."""

    lanes: tuple[str, ...]
    waves: int
    width: int
    height: int
    moves: str
    parked: str
    stopped: str


def racks_before(plan: Plan) -> tuple[RackPicture, ...]:
    """Draw the hosts that are there now, with what they run now."""
    bought = {one.host.name for one in plan.hosts if one.decision is Decision.BUY}
    hosts = [host for host in plan.inventory.hosts if host.name not in bought]
    now = {one.name: one.host for one in plan.inventory.workloads if one.host}
    return _racks(plan, hosts, now, frozenset(), frozenset())


def racks_after(plan: Plan) -> tuple[RackPicture, ...]:
    """Draw the hosts of the plan, and those that it switches off as shapes left empty."""
    spare = frozenset(one.host.name for one in plan.hosts if one.spare)
    gone = frozenset(one.host.name for one in plan.hosts if one.decision is Decision.SWITCH_OFF)
    return _racks(plan, [one.host for one in plan.hosts], plan.placement, spare, gone)


def week_picture(workloads: Iterable[Workload]) -> WeekPicture:
    """Draw what all workloads take of CPU together, Monday on top, midnight on the left."""
    cores = [0.0] * HOURS_OF_WEEK
    for one in workloads:
        taken = one.cpu_by_hour or (one.amounts.cpu_milli,) * HOURS_OF_WEEK
        cores = [total + milli / 1000 for total, milli in zip(cores, taken, strict=True)]
    most, least = max(cores), min(cores)
    span = (most - least) or 1.0
    cells: list[list[str]] = [[] for _ in range(_LEVELS)]
    for hour, taken_cores in enumerate(cores):
        level = min(_LEVELS - 1, int(_LEVELS * (taken_cores - least) / span))
        cells[level].append(f"M{hour % _HOURS} {hour // _HOURS}h.94v.9h-.94z")
    levels = tuple("".join(one) for one in cells)
    return WeekPicture(levels, most, least, cores.index(most))


def moves_picture(moves: Sequence[Move]) -> MovesPicture:
    """Draw each move as a mark in its host's lane."""
    lanes = tuple(sorted({move.target for move in moves}))
    row_of = {name: row for row, name in enumerate(lanes)}
    shares: Mapping[tuple[int, str], list[Move]] = _by_place(moves)
    marks: dict[str, list[str]] = {"moves": [], "parked": [], "stopped": []}
    for (wave, target), together in shares.items():
        width = 0.8 * _STEP_WIDTH / len(together)
        for position, move in enumerate(together):
            left = (wave - 1) * _STEP_WIDTH + position * width
            top = row_of[target] * _LANE_HEIGHT + 1
            kind = "parked" if move.parked else "stopped" if move.downtime_s else "moves"
            marks[kind].append(f"M{left:.1f} {top}h{0.9 * width:.2f}v8h-{0.9 * width:.2f}z")
    waves = max((move.wave for move in moves), default=0)
    drawn = {kind: "".join(paths) for kind, paths in marks.items()}
    return MovesPicture(lanes, waves, waves * _STEP_WIDTH, len(lanes) * _LANE_HEIGHT, **drawn)


def _by_place(moves: Sequence[Move]) -> Mapping[tuple[int, str], list[Move]]:
    found: defaultdict[tuple[int, str], list[Move]] = defaultdict(list)
    for move in moves:
        found[move.wave, move.target].append(move)
    return found


def _racks(
    plan: Plan,
    hosts: Sequence[Host],
    placement: Mapping[str, str],
    spare: frozenset[str],
    gone: frozenset[str],
) -> tuple[RackPicture, ...]:
    taken = _taken(plan.inventory.workloads, placement)
    pictures = []
    for site in plan.inventory.sites:
        drawing = _Drawing()
        here = [host for host in hosts if host.site == site]
        for host in here:
            model = plan.inventory.models[host.model]
            place = drawing.placed(model.rack_units)
            if host.name in gone:
                drawing.gone.append(place.outline)
                continue
            (drawing.spare if host.name in spare else drawing.outlines).append(place.outline)
            cpu, memory = taken.get(host.name, (0, 0))
            drawing.cpu.append(place.bar(cpu / model.amounts.cpu_milli, upper=True))
            drawing.memory.append(place.bar(memory / model.amounts.memory_mib, upper=False))
        running = sum(host.name not in gone for host in here)
        pictures.append(drawing.picture(site, running))
    return tuple(pictures)


class _Place(msgspec.Struct, frozen=True):
    """Where a host stands in the drawing."""

    left: int
    top: float
    height: float

    @property
    def outline(self) -> str:
        return f"M{self.left} {self.top:.1f}h{RACK_WIDTH}v{self.height:.1f}h-{RACK_WIDTH}z"

    def bar(self, share: float, *, upper: bool) -> str:
        width = _BAR_WIDTH * min(1.0, share)
        height = 0.3 * self.height
        top = self.top + self.height * (0.17 if upper else 0.53)
        left = self.left + _BAR_LEFT
        return f"M{left} {top:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


class _Drawing:
    """Fills racks from the top, one after the other."""

    def __init__(self) -> None:
        self.outlines: list[str] = []
        self.spare: list[str] = []
        self.gone: list[str] = []
        self.cpu: list[str] = []
        self.memory: list[str] = []
        self._rack = 0
        self._units = 0.0

    def placed(self, units: float) -> _Place:
        if self._units + units > RACK_UNITS:
            self._rack, self._units = self._rack + 1, 0.0
        left, top = self._rack * (RACK_WIDTH + _RACK_GAP), self._units * UNIT_HEIGHT
        self._units += units
        return _Place(left, top, units * UNIT_HEIGHT - 0.8)

    def picture(self, site: str, hosts: int) -> RackPicture:
        racks = self._rack + 1
        height = RACK_UNITS if self._rack else max(4, round(self._units + 0.5))
        return RackPicture(
            site=site,
            hosts=hosts,
            width=racks * (RACK_WIDTH + _RACK_GAP) - _RACK_GAP,
            height=height * UNIT_HEIGHT,
            outlines="".join(self.outlines),
            spare="".join(self.spare),
            gone="".join(self.gone),
            cpu="".join(self.cpu),
            memory="".join(self.memory),
        )


def _taken(
    workloads: Iterable[Workload], placement: Mapping[str, str]
) -> dict[str, tuple[int, int]]:
    """Add up CPU at each host's busiest hour, and memory."""
    by_hour: defaultdict[str, list[int]] = defaultdict(lambda: [0] * HOURS_OF_WEEK)
    memory: defaultdict[str, int] = defaultdict(int)
    for one in workloads:
        host = placement.get(one.name, "")
        if host:
            hours = one.cpu_by_hour or (one.amounts.cpu_milli,) * HOURS_OF_WEEK
            by_hour[host] = [a + b for a, b in zip(by_hour[host], hours, strict=True)]
            memory[host] += one.amounts.memory_mib
    return {host: (max(hours), memory[host]) for host, hours in by_hour.items()}
