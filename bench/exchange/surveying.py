"""What a survey of the types of a million entities takes, and then what explaining them takes."""

import asyncio
import os
from typing import Final

from beffroi.exchange.models import store
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.guard import Guard
from beffroi.exchange.models.service import Models
from beffroi.exchange.models.store import HeldModel
from beffroi.exchange.models.survey import Surveyor
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import PLATFORM
from bench.accelerator.tables import keep_with_table
from bench.measuring import Figures, cpu_s, percentile
from bench.scratch_database import scratch_database

ENTITIES: Final = int(os.environ.get("BENCH_ENTITIES", "1000000"))
_TYPES: Final = 20
_DECLARED: Final = 5
_ASKED: Final = 50
_METHOD: Final = (
    f"{ENTITIES} entities of {_TYPES} types with 4 attributes, 2 of them measured, loaded by SQL; "
    f"{_DECLARED} of the types have a declared model. One survey without rests: wall time, CPU of "
    "this process and of PostgreSQL together (schedstat). On a platform it rests 19 times as long "
    f"as it works. Then {_ASKED} calls of the catalogue. What history adds is not in it: up to 300 "
    "entities of each type have one question on their last 200 numbers, here on an empty table."
)
_LOAD: Final = """
insert into exchange.entity (tenant, id, organisation, types, scopes, document, created_at,
    modified_at)
select '', 'urn:ngsi-ld:Sensor:' || n, 'arras', array[vocabulary || 'Sensor' || n %% {types}],
    '{{}}',
    jsonb_build_object(
        vocabulary || 'name', jsonb_build_array(jsonb_build_object('kind', 'Property',
            'value', 'Sensor ' || n, 'modified_at', told)),
        vocabulary || 'temperature', jsonb_build_array(jsonb_build_object('kind', 'Property',
            'value', n * 7919 %% 4000 / 100.0, 'observed_at', told, 'modified_at', told)),
        vocabulary || 'occupancy', jsonb_build_array(jsonb_build_object('kind', 'Property',
            'value', n * 104729 %% 1010 / 1000.0, 'observed_at', told, 'modified_at', told)),
        vocabulary || 'refDevice', jsonb_build_array(jsonb_build_object('kind', 'Relationship',
            'value', 'urn:ngsi-ld:Device:' || n, 'modified_at', told))),
    told::timestamptz, told::timestamptz
from (select n, 'https://uri.etsi.org/ngsi-ld/default-context/' as vocabulary,
    '2026-11-22T08:00:00Z' as told from generate_series(%s::bigint, %s::bigint) n) made
"""
_LOADED_AT_ONCE: Final = 50_000


async def _measured(database: Database) -> Figures:
    clock = SystemClock()
    models = [
        HeldModel(
            tenant="",
            organisation="arras",
            type=f"Sensor{number}",
            source="bench.yaml",
            declared=DeclaredModel(model="OffStreetParking"),
        )
        for number in range(_DECLARED)
    ]
    for first in range(1, ENTITIES + 1, _LOADED_AT_ONCE):
        last = min(first + _LOADED_AT_ONCE - 1, ENTITIES)
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, _LOAD.format(types=_TYPES), (first, last))
    async with database.transaction(EVERYTHING) as connection:
        await store.replace_models(connection, "arras", "bench.yaml", models)
        await execute(connection, "analyze exchange.entity", ())
    loop = asyncio.get_running_loop()
    began, cpu_before = loop.time(), cpu_s(os.getpid())
    judged = await Surveyor(database, clock).survey()
    took_s, took_cpu_s = loop.time() - began, cpu_s(os.getpid()) - cpu_before
    asked = Models(database, Guard(clock), clock)
    times_ms = []
    for _ in range(_ASKED):
        began = loop.time()
        await asked.catalogue(PLATFORM, "")
        times_ms.append(1000 * (loop.time() - began))
    return {
        "survey_s": round(took_s, 1),
        "survey_cpu_s": round(took_cpu_s, 1),
        "survey_us_per_entity": round(1e6 * took_s / ENTITIES, 1),
        "types": len(judged),
        "counted": sum(one.entities for one in judged.values()),
        "catalogue_p50_ms": round(percentile(times_ms, 0.5), 1),
        "catalogue_p95_ms": round(percentile(times_ms, 0.95), 1),
    }


def measure() -> None:
    """Measure, and keep the figures."""

    async def run() -> Figures:
        async with scratch_database(("kernel", "exchange")) as database:
            return await _measured(database)

    keep_with_table("exchange_surveying", _METHOD, {"survey": asyncio.run(run())})
