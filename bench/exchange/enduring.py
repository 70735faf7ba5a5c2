"""Whether memory stays flat: measures of many entities, minute after minute."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from time import process_time
from typing import Final

from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.service import Exchange, Wish
from beffroi.exchange.uplinks.mapping import Measures
from beffroi.exchange.uplinks.measuring import measured
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.collecting import collect_seldom
from bench.accelerator.tables import keep_with_table
from bench.exchange.serving import Scratch, scratch_exchange
from bench.measuring import Figures, own_resident_mib

ENTITIES: Final = int(os.environ.get("BENCH_ENTITIES", "200000"))
RUN_S: Final = int(os.environ.get("BENCH_RUN_S", "600"))
_EVERY_S: Final = 60.0
AT_ONCE: Final = 100
_ASKERS: Final = 8
_VOCABULARY: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
_NAMES: Final = ("temperature", "humidity", "no2")
_METHOD: Final = (
    f"{_ASKERS} askers at service level, each message with {len(_NAMES)} measures of one of "
    f"{ENTITIES} entities, {AT_ONCE} messages at a time, for {RUN_S} s; fsync on. memory_mib: "
    "resident, of the process that writes; PostgreSQL's memory is bounded by its settings. "
    "app_cpu_us and postgresql_cpu_us: of one message, since the row before."
)


def wishes(number: int, entities: int, clock: SystemClock) -> Sequence[Wish]:
    """Return what a group of messages asks, each of an entity of its own."""
    now = clock.now()
    found = []
    for place in range(AT_ONCE):
        entity = (number * AT_ONCE + place) * 7919 % entities
        told = tuple(
            (
                _VOCABULARY + name,
                Attribute(
                    kind=AttributeKind.PROPERTY,
                    value=(number + place) % 4000 / 100,
                    observed_at=now,
                    unit_code="CEL",
                ),
            )
            for name in _NAMES
        )
        measures = Measures(f"urn:ngsi-ld:Device:{entity}", (_VOCABULARY + "Device",), now, told)
        found.append(_wish(measures, now))
    return found


def _wish(measures: Measures, now: datetime) -> Wish:
    def decide(held: Entity | None) -> Entity:
        return measured(held, measures, now)[0]

    return Wish(measures.id, decide)


async def _load(
    scratch: Scratch, exchange: Exchange, clock: SystemClock, until_s: float, counts: list[int]
) -> None:
    while clock.monotonic_s() < until_s:
        counts[0] += 1
        asked = wishes(counts[0], ENTITIES, clock)
        outcomes = await exchange.carry_out(scratch.actor, "", asked)
        if any(outcomes):
            raise RuntimeError(str(outcomes[0]))


async def _measured() -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    clock, counts = SystemClock(), [0]
    async with scratch_exchange() as scratch:
        exchange = Exchange(scratch.database, clock)
        running = asyncio.create_task(exchange.run())
        collect_seldom()
        begun_s = clock.monotonic_s()
        askers = [
            asyncio.create_task(_load(scratch, exchange, clock, begun_s + RUN_S, counts))
            for _ in range(_ASKERS)
        ]
        passed_s = 0.0
        while passed_s < RUN_S:
            app_s, postgresql_s, before = process_time(), scratch.postgresql_cpu_s, counts[0]
            await asyncio.wait(askers, timeout=min(_EVERY_S, RUN_S - passed_s) + 0.1)
            told = max(1, counts[0] - before) * AT_ONCE
            row_s = clock.monotonic_s() - begun_s - passed_s
            passed_s += row_s
            row: Figures = {
                "messages_per_s": round(told / row_s),
                "memory_mib": round(own_resident_mib(), 1),
                "app_cpu_us": round((process_time() - app_s) / told * 1e6, 1),
                "postgresql_cpu_us": round(
                    (scratch.postgresql_cpu_s - postgresql_s) / told * 1e6, 1
                ),
            }
            figures[f"{passed_s:.0f} s"] = row
            print(f"{passed_s:.0f} s", row, flush=True)
        await asyncio.gather(*askers)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return figures


def measure() -> None:
    keep_with_table("exchange_enduring", _METHOD, asyncio.run(_measured()))
