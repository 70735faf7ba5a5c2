"""Moves followed one by one, and wave by wave, from the present placement.

* MOVES: numbered from 1 without a gap; waves never go back; each begins where the workload then
  stands (nowhere: empty) and names what there is; one without a target stops the workload, which
  starts again by a later move, which it names; a move of a running workload stops it no less long
  than ``Workload.downtime_s``, and a stop no less long than the waves in between take besides:
  what each stops for longest, and the hours that the moves wait for; a fixed workload stays; at
  the end each workload stands where the plan has it.
* PREFIXES: when a workload arrives, it is counted on the host it leaves and on the one it enters,
  and the latter holds within ``Policy.usable`` at every hour of the week, in memory, disk and disk
  operations; no member of its group ``apart`` stands there then; site, licence and owners
  admit it, on a stop on the way too; nothing enters a host that its owners told to go. A host that
  was too full before the first move is nobody's breach until something enters it. ``together``
  and ``across_sites`` are looked at in the placement reached, not on the way there.
* WAVES: as above, with all the moves of a wave under way at once: none of its departures has made
  room yet when the last of its arrivals enters. No workload moves twice in a wave.
* WINDOWS: a move of a running workload that has windows begins in one of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from beffroi.capacity.checking_rooms import Register, Room, at_hour, groups_of, reason_not_admitted
from beffroi.capacity.model import HOURS_OF_WEEK, Move, Reason, Workload


def breaches_of_moves(
    register: Register, placement: Mapping[str, str], moves: Sequence[Move]
) -> Iterator[Reason]:
    """Say which moves cannot be made as told, and who ends elsewhere than planned."""
    where = {name: workload.host for name, workload in register.workloads.items()}
    ends = _ends_of_stops(moves)
    wave = 0
    for place, move in enumerate(moves, start=1):
        if move.number != place or move.wave < wave:
            yield Reason("move_out_of_order", {"number": move.number, "wave": move.wave})
        wave = max(wave, move.wave)
        workload = register.workloads.get(move.workload)
        if workload is None or (move.target and move.target not in register.hosts):
            yield Reason(
                "move_unknown",
                {"number": move.number, "workload": move.workload, "host": move.target},
            )
            continue
        between = moves[place : ends[place]] if place in ends else ()
        yield from _untrue(workload, move, where[move.workload], _lasts_s(move, between))
        if move.until != ends.get(place, -1) + 1:
            yield Reason(
                "stop_end_untold",
                {"number": move.number, "workload": move.workload, "until": move.until},
            )
        where[move.workload] = move.target
    for name, host in where.items():
        planned = placement.get(name, "")
        if host != planned:
            yield Reason(
                "moves_end_elsewhere", {"workload": name, "host": host, "planned": planned}
            )


def _ends_of_stops(moves: Sequence[Move]) -> dict[int, int]:
    """Tell how many moves are made when a stop begins, and when its workload starts again."""
    ends: dict[int, int] = {}
    stopped: dict[str, int] = {}
    for done, move in enumerate(moves):
        if move.workload in stopped and move.target:
            ends[stopped.pop(move.workload)] = done
        if move.origin and not move.target:
            stopped[move.workload] = done + 1
    return ends


def _lasts_s(stop: Move, between: Sequence[Move]) -> int:
    """Return how long these moves take at least, from a stop on."""
    waves: dict[int, list[Move]] = defaultdict(list)
    for move in between:
        waves[move.wave].append(move)
    now, hours_past = stop.hour, 0
    for moves in waves.values():
        at = sorted({move.hour for move in moves if move.hour is not None})
        if now is None:
            now = at[0] if len(at) == 1 else None
            continue
        # Hours of next week come after those that are left of this one.
        coming = [hour if hour >= now else hour + HOURS_OF_WEEK for hour in at]
        last = max(coming, default=now)
        hours_past += last - now
        now = last % HOURS_OF_WEEK
    stopping_s = sum(max(move.downtime_s for move in moves) for moves in waves.values())
    return max(stopping_s, 3600 * (hours_past - 1))


def _untrue(workload: Workload, move: Move, stands_on: str, besides_s: int) -> Iterator[Reason]:
    told: dict[str, str | int | float] = {"number": move.number, "workload": move.workload}
    if move.origin != stands_on:
        yield Reason("move_origin_wrong", told | {"origin": move.origin, "host": stands_on})
    needed_s = workload.downtime_s + besides_s
    if stands_on and move.downtime_s < needed_s:
        seconds: dict[str, str | int | float] = {
            "told_s": move.downtime_s,
            "needed_s": needed_s,
        }
        yield Reason("move_downtime_short", told | seconds)
    if workload.fixed and stands_on:
        yield Reason("move_of_fixed", told | {"host": stands_on})


def breaches_of_prefixes(register: Register, moves: Sequence[Move]) -> Iterator[Reason]:
    """Say which arrivals do not hold, each move done before the next begins."""
    return _followed(register, [[move] for move in moves])


def breaches_of_waves(register: Register, moves: Sequence[Move]) -> Iterator[Reason]:
    """Say which arrivals do not hold when the moves of a wave run side by side."""
    waves = [list(wave) for _, wave in groupby(moves, key=lambda move: move.wave)]
    for wave in waves:
        for name, times in Counter(move.workload for move in wave).items():
            if times > 1:
                yield Reason("wave_moves_twice", {"wave": wave[0].wave, "workload": name})
    yield from _followed(register, waves)


def breaches_of_windows(register: Register, moves: Sequence[Move]) -> Iterator[Reason]:
    """Say which moves begin at an hour that their organisation did not give."""
    for move in moves:
        workload = register.workloads.get(move.workload)
        if workload is None or not workload.windows or not move.origin:
            continue
        told: dict[str, str | int | float] = {"number": move.number, "workload": move.workload}
        if move.hour is None:
            yield Reason("move_without_hour", told)
        elif move.hour not in workload.windows:
            yield at_hour("move_outside_window_at", move.hour, told)


def _followed(register: Register, batches: Iterable[Sequence[Move]]) -> Iterator[Reason]:
    """Let each batch arrive as a whole before any of it leaves."""
    where = {name: workload.host for name, workload in register.workloads.items()}
    rooms = register.rooms(register.hosts.values(), where)
    for batch in batches:
        known = [one for one in batch if one.workload in where]
        for move in known:
            if move.target in rooms:
                yield from _arrival(register, rooms[move.target], move)
        for move in known:
            origin = rooms.get(where[move.workload])
            if origin is not None:
                workload = register.workloads[move.workload]
                origin.leave(register.needs[move.workload], groups_of(workload))
            where[move.workload] = move.target


def _arrival(register: Register, room: Room, move: Move) -> Iterator[Reason]:
    workload = register.workloads[move.workload]
    told: dict[str, str | int] = {
        "number": move.number,
        "workload": move.workload,
        "host": move.target,
    }
    if room.host.switched_off:
        yield Reason("move_to_switched_off", told)
    if room.meets(groups_of(workload)):
        yield Reason("move_meets", told | {"group": workload.apart})
    refusal = reason_not_admitted(workload, room)
    if refusal is not None:
        yield refusal
    room.enter(register.needs[move.workload], groups_of(workload))
    for overload in room.overloads():
        yield overload.reason("move_over", **told)
