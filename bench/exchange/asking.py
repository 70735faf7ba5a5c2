"""What finding entities among many takes. Target: type and q, a page of 20, p95 below 50 ms."""

import asyncio
import os
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from typing import Final
from urllib.parse import quote

from beffroi.kernel.clock import SystemClock
from bench.accelerator.tables import keep_with_table
from bench.exchange.serving import DoorProcess, Scratch, scratch_exchange, served_door
from bench.measuring import Figures, cpu_s, percentile

ENTITIES: Final = int(os.environ.get("BENCH_ENTITIES", "1000000"))
_TYPES: Final = 20
_ASKED: Final = 200
_METHOD: Final = (
    f"{ENTITIES} entities of {_TYPES} types with 6 attributes each, loaded by SQL and analysed; "
    f"{_ASKED} requests of each kind one after another on one connection, through the door on "
    "Granian with a token, PostgreSQL with the platform's settings. Every request asks for another "
    "type, id, value or place. app_cpu_ms and postgresql_cpu_ms are of one request (schedstat, all "
    "processes). Target: type and q below 50 ms at p95."
)
_LOAD: Final = """
insert into exchange.entity (tenant, id, organisation, types, scopes, document, bounds,
    created_at, modified_at)
select '', 'urn:ngsi-ld:Thing:' || n, 'arras',
    array['https://uri.etsi.org/ngsi-ld/default-context/Type' || n %% {types}], '{{}}',
    jsonb_build_object(
        vocabulary || 'name', property(to_jsonb('Station ' || n)),
        vocabulary || 'temperature', property(to_jsonb(n * 7919 %% 4000 / 100.0)),
        vocabulary || 'humidity', property(to_jsonb(n * 104729 %% 100)),
        vocabulary || 'no2', property(to_jsonb(n * 15485863 %% 20000 / 100.0)),
        vocabulary || 'refDevice', jsonb_build_array(jsonb_build_object('kind', 'Relationship',
            'value', 'urn:ngsi-ld:Device:' || n %% 50000, 'created_at', told, 'modified_at', told)),
        'https://uri.etsi.org/ngsi-ld/location', jsonb_build_array(jsonb_build_object('kind',
            'GeoProperty', 'value', jsonb_build_object('type', 'Point', 'coordinates',
            jsonb_build_array(x, y)), 'created_at', told, 'modified_at', told))),
    box(point(x, y), point(x, y)), told::timestamptz, told::timestamptz
from (select n, 3 + n * 48271 %% 1000003 / 1000003.0 as x,
    43 + n * 69621 %% 1000033 / 1000033.0 as y,
    'https://uri.etsi.org/ngsi-ld/default-context/' as vocabulary, '2026-11-22T08:00:00Z' as told
    from generate_series({first}::bigint, {last}::bigint) n) made
"""
_PROPERTY: Final = """
create function property(value jsonb) returns jsonb language sql immutable as $$
select jsonb_build_array(jsonb_build_object('kind', 'Property', 'value', value,
    'created_at', '2026-11-22T08:00:00Z', 'modified_at', '2026-11-22T08:00:00Z')) $$
"""
_LOADED_AT_ONCE: Final = 50_000


def _asked(number: int, q: str) -> str:
    return f"entities?type=Type{number % _TYPES}&limit=20&q={quote(q)}"


def _near(number: int) -> str:
    place = f"[{3 + number % 997 / 997:.5f},{43 + number % 991 / 991:.5f}]"
    return (
        f"entities?type=Type{number % _TYPES}&limit=20&georel=near;maxDistance==2000"
        f"&geometry=Point&coordinates={quote(place)}"
    )


_KINDS: Final[Mapping[str, Callable[[int], str]]] = {
    "GET by id": lambda n: f"entities/urn:ngsi-ld:Thing:{n}",
    "type": lambda n: f"entities?type=Type{n % _TYPES}&limit=20",
    "type, second page": lambda n: f"entities?type=Type{n % _TYPES}&limit=20&offset=20",
    "type, counted": lambda n: f"entities?type=Type{n % _TYPES}&limit=20&count=true",
    "type and q, equal number": lambda n: _asked(n, f"no2=={n * 15485863 % 20000 / 100}"),
    "type and q, equal text": lambda n: _asked(n, f'name=="Station {n}"'),
    "type and q, relationship": lambda n: _asked(n, f'refDevice=="urn:ngsi-ld:Device:{n % 50000}"'),
    "type and q, range of 1 %": lambda n: _asked(n, f"temperature>={39.6 + n % 2 / 10}"),
    "type and q, range of half": lambda n: _asked(n, f"temperature>{20 + n % 10 / 10}"),
    "type and q, range that nothing is in": lambda n: _asked(n, f"no2>{200 + n % 10}"),
    "type and near, 2 km": _near,
}
KINDS: Final = tuple(_KINDS)


async def loaded_entities(scratch: Scratch) -> None:
    """Fill the table, past the rights of rows."""
    async with await scratch.server.admin("bench") as connection:
        await connection.execute(_PROPERTY.encode())
        for first in range(1, ENTITIES + 1, _LOADED_AT_ONCE):
            last = min(ENTITIES, first + _LOADED_AT_ONCE - 1)
            text = _LOAD.format(types=_TYPES, first=first, last=last).replace("%%", "%")
            await connection.execute(text.encode())
        await connection.execute("vacuum analyze exchange.entity")


def asked(scratch: Scratch, door: DoorProcess, kind: str) -> Figures:
    """Ask all of one kind, one after another."""
    clock, times_ms, size = SystemClock(), [], 0
    connection = HTTPConnection("127.0.0.1", door.port, timeout=60)
    headers = {"Authorization": f"Bearer {scratch.token}"}
    numbers = ((place * 6_700_417) % ENTITIES + 1 for place in range(_ASKED))
    paths = [_KINDS[kind](number) for number in numbers]
    app_s, postgresql_s = cpu_s(door.pid), scratch.postgresql_cpu_s
    for path in paths:
        begun_s = clock.monotonic_s()
        connection.request("GET", f"/ngsi-ld/v1/{path}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        times_ms.append((clock.monotonic_s() - begun_s) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path}\n{answer.status} {body[:500]!r}")
        size += len(body)
    connection.close()
    return {
        "p50_ms": round(percentile(times_ms, 0.5), 2),
        "p95_ms": round(percentile(times_ms, 0.95), 2),
        "app_cpu_ms": round((cpu_s(door.pid) - app_s) / len(paths) * 1000, 2),
        "postgresql_cpu_ms": round(
            (scratch.postgresql_cpu_s - postgresql_s) / len(paths) * 1000, 2
        ),
        "answer_bytes": round(size / len(paths)),
    }


async def _measured() -> dict[str, Figures]:
    async with scratch_exchange() as scratch:
        await loaded_entities(scratch)
        async with served_door(scratch) as door:
            return {kind: await asyncio.to_thread(asked, scratch, door, kind) for kind in KINDS}


def measure() -> None:
    keep_with_table("exchange_asking", _METHOD, asyncio.run(_measured()))
