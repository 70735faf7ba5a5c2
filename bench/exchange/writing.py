"""What writing entities costs, durable, with history and log.

Target of one core: 4,000 created, 5,000 patched, 15,000 upserted in batches, each second.
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping
from time import process_time
from typing import Any, Final

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.representation.changing import Changed
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Exchange, Wish
from beffroi.exchange.subscriptions.matching import Matcher
from beffroi.exchange.subscriptions.service import Needs, Subscriptions
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Follower, LogWatch
from beffroi.kernel.processes.collecting import collect_seldom
from bench.accelerator.tables import keep_with_table
from bench.exchange.enduring import AT_ONCE as UPLINK_AT_ONCE
from bench.exchange.enduring import wishes
from bench.exchange.loading import BATCH, CONNECTIONS, ENTITY, loaded
from bench.exchange.serving import Scratch, scratch_exchange, served_door
from bench.measuring import Figures, cpu_s

_RUN_S: Final = 8
_UNSENT: Final = 200
_TEMPERATURE: Final = "https://uri.etsi.org/ngsi-ld/default-context/temperature"
_NAIVE_CONNECTIONS: Final = 8
_SUBSCRIPTIONS: Final = 1_000
_UPLINKED: Final = 20_000
_ASKED: Final[Mapping[str, Callable[[int], str]]] = {
    "values": lambda number: f"temperature=={number * 4 % 4_000 / 100}",
    "ranges": lambda number: (
        f"temperature=={number % 100 * 0.4:.2f}..{number % 100 * 0.4 + 0.39:.2f}"
    ),
}
_METHOD: Final = (
    f"Entities of 6 attributes ({len(ENTITY)} bytes). PostgreSQL from the wheel, fsync on, the "
    "platform's settings; each write is the latest value, its history and the log in one "
    f"transaction, answered after the commit; nothing follows the log. Runs of {_RUN_S} s. "
    f"door: a process of its own on uvloop, bearer token, wrk in another with "
    f"{CONNECTIONS} connections; batches of {BATCH}. "
    f"service: {CONNECTIONS} askers in this process, no HTTP and no JSON of requests; "
    "uplink: messages of 3 measures each, "
    f"{UPLINK_AT_ONCE} at a time, as MQTT and LoRaWAN hand them over. values, ranges: the patches "
    f"of service: patch, and then matching alone with {_SUBSCRIPTIONS} subscriptions to the type "
    "and attribute, of which each patch concerns all; by q (temperature== a value of its own) one "
    "patch in four is wanted by one of them, or (temperature== a range that ten have) each patch "
    "by 1 %; kept_each: notifications kept to be sent for each patch; both: the sum of their CPU; "
    "nothing is sent. "
    "one_by_one: what a broker does that commits each request alone: the same rows by psycopg on "
    f"{_NAIVE_CONNECTIONS} connections, no HTTP. CPU is of all processes of the side (schedstat); "
    "per_core is 1 / (app + PostgreSQL). Targets per core: 4,000 created, 5,000 patched, 15,000 "
    "in batches."
)


class _Spent(msgspec.Struct, frozen=True):
    """CPU and time until a moment."""

    app_s: float
    postgresql_s: float
    at_s: float


def _spent(scratch: Scratch, pid: int) -> _Spent:
    # PostgreSQL is a child of this process: it is not the application.
    app_s = process_time() if pid == os.getpid() else cpu_s(pid)
    return _Spent(app_s, scratch.postgresql_cpu_s, SystemClock().monotonic_s())


def _figures(before: _Spent, after: _Spent, count: int) -> Figures:
    app_s, postgresql_s = after.app_s - before.app_s, after.postgresql_s - before.postgresql_s
    return {
        "per_s": round(count / (after.at_s - before.at_s)),
        "app_cpu_s_per_1000": round(app_s / count * 1000, 4),
        "postgresql_cpu_s_per_1000": round(postgresql_s / count * 1000, 4),
        "per_core": round(count / (app_s + postgresql_s)),
    }


async def _through_the_door(scratch: Scratch) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    async with served_door(scratch) as door:
        await loaded(door, scratch.token, "create", "warm", 1)
        known = 1
        for verb, kind in (("create", "a"), ("patch", "a"), ("upsert", "b")):
            before = _spent(scratch, door.pid)
            load = await loaded(door, scratch.token, verb, kind, _RUN_S, known)
            count = load.requests * (BATCH if verb == "upsert" else 1)
            told = _figures(before, _spent(scratch, door.pid), count)
            figures[f"door: {verb}"] = {**told, "p50_ms": load.p50_ms, "p99_ms": load.p99_ms}
            known = max(1, load.requests - _UNSENT)
    return figures


async def _repeated(
    scratch: Scratch, askers: int, act: Callable[[int], Awaitable[None]], each: int = 1
) -> Figures:
    """Have askers act, each again and again."""
    clock, count = SystemClock(), 0
    end_s = clock.monotonic_s() + _RUN_S

    async def ask() -> None:
        nonlocal count
        while clock.monotonic_s() < end_s:
            count += 1
            await act(count)

    before = _spent(scratch, os.getpid())
    await asyncio.gather(*(ask() for _ in range(askers)))
    return _figures(before, _spent(scratch, os.getpid()), count * each)


def _template() -> Entity:
    document = msgspec.json.decode(ENTITY % "template")
    return read_entity(document, CORE, SystemClock().now())


def _kept(entity: Entity) -> Wish:
    """Wish that an entity be as it is given, whatever it was."""
    return Wish(entity.id, lambda _: entity)


async def _by_the_service(scratch: Scratch) -> dict[str, Figures]:
    exchange, template = Exchange(scratch.database, SystemClock()), _template()
    running = asyncio.create_task(exchange.run())
    created = 0

    async def create(number: int) -> None:
        nonlocal created
        entity = msgspec.structs.replace(template, id=f"urn:ngsi-ld:Thing:{number}")
        await exchange.create(scratch.actor, "", entity)
        created += 1

    async def patch(number: int) -> None:
        def change(held: Entity) -> Changed:
            told = Attribute(kind=AttributeKind.PROPERTY, value=number % 4000 / 100)
            attributes = {**held.attributes, _TEMPERATURE: (told,)}
            return Changed(entity=msgspec.structs.replace(held, attributes=attributes))

        entity_id = f"urn:ngsi-ld:Thing:{1 + number * 7919 % created}"
        await exchange.change(scratch.actor, "", entity_id, change)

    async def upsert(number: int) -> None:
        ids = (f"urn:ngsi-ld:Batch:{number}-{place}" for place in range(BATCH))
        entities = [msgspec.structs.replace(template, id=one) for one in ids]
        wishes = [_kept(one) for one in entities]
        await exchange.carry_out(scratch.actor, "", wishes)

    figures = {
        "service: create": await _repeated(scratch, CONNECTIONS, create),
        "service: patch": await _repeated(scratch, CONNECTIONS, patch),
        "service: upsert": await _repeated(scratch, CONNECTIONS // 8, upsert, BATCH),
    }
    clock = SystemClock()

    async def uplink(number: int) -> None:
        told = wishes(number, _UPLINKED, clock)
        await exchange.carry_out(scratch.actor, "", told)

    figures["service: uplink"] = await _repeated(scratch, 8, uplink, UPLINK_AT_ONCE)
    figures.update(await _subscribed(scratch, patch))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return figures


async def _subscribed(
    scratch: Scratch, patch: Callable[[int], Awaitable[None]]
) -> dict[str, Figures]:
    """Patch with subscriptions, then match what the log tells; once for each way to ask."""
    database, clock = scratch.database, SystemClock()
    figures: dict[str, Figures] = {}
    numbers = itertools.count(1)

    async def patch_on(_: int) -> None:
        # A value that is there already would be no change.
        await patch(next(numbers))

    async with Outgoing(allow_internal=False) as outgoing:
        contexts = Contexts(database, outgoing, clock, public_url="http://bench", known={})
        watch = LogWatch(database)
        subscriptions = Subscriptions(Needs(database, watch, outgoing, contexts, clock))
        matcher = Matcher(clock)
        follower = Follower("bench", database, watch, matcher.handle, matcher)
        for name, asked in _ASKED.items():
            made = [
                await subscriptions.create(scratch.actor, "", _subscription(asked(number)), CORE)
                for number in range(_SUBSCRIPTIONS)
            ]
            await _matched(follower)
            patching = await _repeated(scratch, CONNECTIONS, patch_on)
            before, kept = _spent(scratch, os.getpid()), await _kept_count(scratch)
            count = await _matched(follower)
            matching = _figures(before, _spent(scratch, os.getpid()), count)
            kept = await _kept_count(scratch) - kept
            both = sum(1 / float(one["per_core"] or 1) for one in (patching, matching))
            figures[f"{name}: patch"] = patching
            figures[f"{name}: matching"] = {**matching, "kept_each": round(kept / count, 2)}
            figures[f"{name}: both"] = {"per_core": round(1 / both)}
            for one in made:
                await subscriptions.delete(scratch.actor, "", one)
    return figures


def _subscription(q: str) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": "AirQualityObserved"}],
        "watchedAttributes": ["temperature"],
        "q": q,
        "notification": {"endpoint": {"uri": "https://receiver.example/"}},
    }


async def _matched(follower: Follower) -> int:
    """Match to the end of the log; return how many entries that were."""
    count = 0
    while handled := await follower.advance():
        count += handled
    return count


async def _kept_count(scratch: Scratch) -> int:
    async with scratch.database.transaction(EVERYTHING) as connection:
        return int(await fetch_value(connection, "select count(*) from exchange.delivery"))


async def _one_by_one(scratch: Scratch) -> dict[str, Figures]:
    """Commit each entity alone, as plainly as SQL allows."""
    template = _template()
    parts = {name: msgspec.json.encode(one).decode() for name, one in template.attributes.items()}
    document = "{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}"
    types, names, instances = list(template.types), list(parts), list(parts.values())

    async def create(number: int) -> None:
        key = f"urn:ngsi-ld:Naive:{number}"
        async with scratch.database.transaction(EVERYTHING) as connection:
            await execute(
                connection,
                "insert into exchange.entity (tenant, id, organisation, types, scopes, document, "
                "created_at, modified_at) values ('', %s, 'arras', %s, '{}', %s::jsonb, now(), "
                "now())",
                (key, types, document),
            )
            await execute(
                connection,
                "insert into exchange.history (tenant, entity, attribute, dataset_id, "
                "organisation, at, written_at, ended, instance) select '', %s, name, '', 'arras', "
                "now(), now(), false, (said -> 0) from unnest(%s::text[], %s::jsonb[]) "
                "as given(name, said)",
                (key, names, instances),
            )
            await execute(
                connection,
                "insert into kernel.log (kind, subject, organisation, body) "
                "values ('exchange.entity_created', %s, 'arras', %s::jsonb)",
                (key, document),
            )

    return {"one_by_one: create": await _repeated(scratch, _NAIVE_CONNECTIONS, create)}


async def _measured() -> dict[str, Figures]:
    collect_seldom()
    async with scratch_exchange() as scratch:
        return {
            **await _through_the_door(scratch),
            **await _by_the_service(scratch),
            **await _one_by_one(scratch),
        }


def measure() -> None:
    keep_with_table("exchange_writing", _METHOD, asyncio.run(_measured()))
