import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_services
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey
from tests.conftest import MakeDatabase

DOOR: Final = "https://exchange.example/ngsi-ld/v1"
JSON: Final = "application/json"


class Asker:
    """A program with a token, or without."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        told = {**self._headers, "Accept-Language": "en", **(headers or {})}
        if content is not None:
            told.setdefault("Content-Type", JSON)
        return await self._client.request(
            method, f"{DOOR}/{path}", json=document, content=content, headers=told
        )


class Askers:
    """Accounts of the two organisations, the operator, and somebody unknown."""

    def __init__(self, client: httpx.AsyncClient, tokens: Mapping[str, str]) -> None:
        self.operator = Asker(client, tokens["operator"])
        self.arras = Asker(client, tokens["arras"])
        self.lens = Asker(client, tokens["lens"])
        self.reader = Asker(client, tokens["reader"])
        self.stranger = Asker(client, "")


@pytest.fixture
async def askers(make_database: MakeDatabase) -> AsyncIterator[Askers]:
    database = await make_database("kernel", "exchange")
    clock, rights = SystemClock(), Rights(database, SystemClock())
    accounts = {
        "operator": (Role.OPERATOR, ""),
        "arras": (Role.PARTNER, "arras"),
        "lens": (Role.MANAGER, "lens"),
        "reader": (Role.MEMBER, "arras"),
    }
    tokens = {}
    for name, (role, organisation) in accounts.items():
        account = await rights.put_account(PLATFORM, name, role, organisation)
        tokens[name] = (await rights.issue_token(account.actor, "test")).secret.reveal()
    async with Outgoing(allow_internal=False) as outgoing:
        watch = LogWatch(database)
        services = exchange_services(
            ExchangeFoundation(
                database=database,
                watch=watch,
                outgoing=outgoing,
                known_contexts={},
                public_url="https://exchange.example",
                key=SealingKey(os.urandom(32)),
                clock=clock,
            )
        )
        loops = [
            asyncio.create_task(watch.run()),
            asyncio.create_task(services.exchange.run()),
            asyncio.create_task(services.contexts.run()),
            asyncio.create_task(services.subscriptions.run()),
        ]
        door = mounted_door(rights, services, clock)
        transport = httpx.ASGITransport(app=door)
        async with httpx.AsyncClient(transport=transport) as client:
            yield Askers(client, tokens)
        for loop in loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
