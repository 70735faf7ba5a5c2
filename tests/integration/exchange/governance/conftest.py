import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
import msgspec
import pytest

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_loops, exchange_services
from beffroi.exchange.api.mounting import ExchangeServices, mounted_door
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.subscriptions.service import FOLLOWER
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually

DOOR: Final = "https://exchange.example/ngsi-ld/v1"
_MATCHED: Final = """
select (select max(seq) from kernel.log) <= (select seq from kernel.follower where name = %s)
"""
PEOPLE: Final = {
    "arras": (Role.MANAGER, "arras"),
    "lens": (Role.MANAGER, "lens"),
    "olga": (Role.OPERATOR, ""),
}


class Town(msgspec.Struct, frozen=True):
    """An exchange with a manager in each of two organisations, and its door."""

    database: Database
    services: ExchangeServices
    client: httpx.AsyncClient
    tokens: Mapping[str, str]

    async def ask(
        self,
        who: str,
        method: str,
        path: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Knock at the door; "" has no account."""
        told = {"Accept-Language": "en", **(headers or {})}
        if who:
            told["Authorization"] = f"Bearer {self.tokens[who]}"
        return await self.client.request(method, f"{DOOR}/{path}", json=document, headers=told)

    async def add(self, who: str, *documents: dict[str, Any]) -> None:
        """Create entities."""
        for one in documents:
            answer = await self.ask(who, "POST", "entities", one)
            assert answer.status_code == 201, answer.text

    async def found(self, who: str, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return what an address answers."""
        answer = await self.ask(who, "GET", path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def give(self, who: str, **policy: Any) -> None:
        """Declare a policy."""
        document = {"name": "given", "to": ["lens"], "types": ["Person"], **policy}
        await self.put(who, msgspec.convert(document, Policy))

    async def matched(self) -> None:
        """Wait until subscriptions have been matched with all that was written."""

        async def is_matched() -> bool:
            async with self.database.transaction(EVERYTHING) as connection:
                return bool(await fetch_value(connection, _MATCHED, (FOLLOWER,)))

        await eventually(is_matched)

    async def put(self, who: str, rule: Policy | Treatment) -> None:
        """Declare a rule."""
        await self.services.governance.governance.put(actor(who), rule)


def actor(who: str) -> Actor:
    """Return somebody of the town."""
    role, organisation = PEOPLE[who]
    return Actor(who, role, organisation)


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[Town]:
    database = await make_database("kernel", "exchange")
    clock, rights = SystemClock(), Rights(database, SystemClock())
    tokens = {}
    for name, (role, organisation) in PEOPLE.items():
        account = await rights.put_account(PLATFORM, name, role, organisation)
        tokens[name] = (await rights.issue_token(account.actor, "test")).secret.reveal()
    async with Outgoing(allow_internal=True) as outgoing:
        given = ExchangeFoundation(
            database=database,
            watch=LogWatch(database),
            outgoing=outgoing,
            known_contexts={},
            public_url="https://exchange.example",
            key=SealingKey(os.urandom(32)),
            clock=clock,
        )
        services = exchange_services(given)
        loops = [
            asyncio.create_task(one)
            for one in (given.watch.run(), *exchange_loops(given, services))
        ]
        door = mounted_door(rights, services, clock)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=door)) as client:
            yield Town(database, services, client, tokens)
        for loop in loops:
            loop.cancel()
        for loop in loops:
            with suppress(asyncio.CancelledError):
                await loop
