"""Uplinks of a town over a real database, with the door that their networks knock at."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_loops, exchange_services
from beffroi.exchange.api.mounting import ExchangeServices, mounted_uplinks
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.model import FlowSummary, RefusedItem
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.exchange.uplinks.device_store import KnownDevice
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey
from tests.conftest import MakeDatabase

ARRAS = Actor("probes", Role.PARTNER, "arras")


class Town:
    """The uplinks of Arras."""

    def __init__(
        self,
        foundation: ExchangeFoundation,
        services: ExchangeServices,
        client: httpx.AsyncClient,
        token: str,
    ) -> None:
        self._database = foundation.database
        self.foundation = foundation
        self.services = services
        self._client = client
        self._token = token

    async def declare(
        self, files: Mapping[str, bytes] | None = None, **uplinks: Mapping[str, Any]
    ) -> None:
        """Apply a file of uplinks."""
        declared = {
            name: msgspec.convert({"name": name, **entry}, Uplink)
            for name, entry in uplinks.items()
        }
        given = GivenDeclarations(
            source="uplinks.yaml", declared=ExchangeFile(uplinks=declared), files=files or {}
        )
        flows = self.services.flow_parts.flows
        async with self._database.transaction(EVERYTHING) as connection:
            await flows.keep(connection, "arras", given)
        await self.services.uplinks.renew()

    async def corrupt(self, name: str) -> None:
        """Leave of a declaration what no version of beffroi wrote."""
        async with self._database.transaction(EVERYTHING) as connection:
            await connection.execute(
                b"update exchange.flow set declared = '{}', changed_at = clock_timestamp() "
                b"where name = %s",
                (name,),
            )

    async def sent(self, *messages: tuple[str, bytes]) -> Sequence[BeffroiError | None]:
        """Send messages under topics."""
        now = SystemClock().now()
        told = [UplinkMessage(topic, payload, now) for topic, payload in messages]
        return await self.services.uplinks.received(ARRAS, told)

    async def posted(
        self, name: str, content: bytes, organisation: str = "arras", token: str | None = None
    ) -> httpx.Response:
        """Knock at the door of an uplink."""
        told = self._token if token is None else token
        return await self._client.post(
            f"https://exchange.example/exchange/uplinks/{organisation}/{name}",
            content=content,
            headers={"Authorization": f"Bearer {told}", "Accept-Language": "en"},
        )

    async def held(self, entity: str) -> Mapping[str, tuple[Any, datetime | None]]:
        """Return the values of an entity and when they were so, by short names."""
        found = await self.services.exchange.entity(ARRAS, "", entity)
        return {
            iri.rpartition("/")[2]: (one.value, one.observed_at)
            for iri, (one,) in found.attributes.items()
        }

    async def values(self, entity: str, name: str) -> list[float | None]:
        """Return what history has of an attribute, in the order of observation."""
        async with self._database.transaction(EVERYTHING) as connection:
            rows = await fetch_tuples(
                connection,
                "select value from exchange.history where entity = %s and attribute like %s "
                "order by at",
                (entity, f"%/{name}"),
            )
        return [row[0] for row in rows]

    async def flow(self, name: str) -> FlowSummary:
        """Return how a flow fares."""
        await self.services.flow_parts.journal.write()
        return await self.services.flow_parts.flows.one(ARRAS, "arras", name)

    async def refused(self, name: str) -> Sequence[RefusedItem]:
        """Return what a flow refused."""
        await self.services.flow_parts.journal.write()
        return await self.services.flow_parts.flows.refused(ARRAS, "arras", name)

    async def devices(self, name: str) -> Sequence[KnownDevice]:
        """Return the devices of an uplink."""
        await self.services.uplinks.devices.write()
        found, _ = await self.services.uplinks.devices.listed(ARRAS, "arras", name)
        return found


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[Town]:
    """The platform's exchange, with a program of Arras that holds a token."""
    database = await make_database("kernel", "exchange")
    clock, rights = SystemClock(), Rights(database, SystemClock())
    account = await rights.put_account(PLATFORM, ARRAS.name, ARRAS.role, ARRAS.organisation)
    token = (await rights.issue_token(account.actor, "test")).secret.reveal()
    async with Outgoing(allow_internal=False) as outgoing:
        watch = LogWatch(database)
        foundation = ExchangeFoundation(
            database=database,
            watch=watch,
            outgoing=outgoing,
            known_contexts={},
            public_url="https://exchange.example",
            key=SealingKey(os.urandom(32)),
            clock=clock,
        )
        services = exchange_services(foundation)
        loops = [
            asyncio.create_task(one) for one in (watch.run(), *exchange_loops(foundation, services))
        ]
        transport = httpx.ASGITransport(app=mounted_uplinks(rights, services, clock))
        async with httpx.AsyncClient(transport=transport) as client:
            yield Town(foundation, services, client, token)
        # Of one cancellation asyncio.wait_for may lose sight, up to Python 3.11.
        waiting = set(loops)
        while waiting:
            for loop in waiting:
                loop.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=1)
        for loop in loops:
            with suppress(asyncio.CancelledError):
                await loop
