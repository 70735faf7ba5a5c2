"""Random requests to every route: no fault of the platform's, and nothing of another's."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final, cast

import httpx
import msgspec
import pytest
from schemathesis import Case

from beffroi.app.exchange_wiring import exchange_loops
from beffroi.app.http import http_application, platform_application
from beffroi.app.wiring import Platform
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.secrets import Secret
from tests.support.random_requests import (
    Words,
    conforms,
    pages_described,
    random_requests,
    sent,
)

_ANSWERS_WITHIN_S: Final = 20
_NOT_FAULTS: Final = frozenset({501, 503})
MARK: Final = "zzhushzz"
"""Stands in whatever the town hall keeps, and in no request."""
DOOR: Final = "/ngsi-ld/v1"
MAIRIE: Final = Actor("gaston", Role.MANAGER, "mairie")
ANNE: Final = "urn:ngsi-ld:Person:anne"
WATCH: Final = "urn:ngsi-ld:Subscription:watch"
STREAMS: Final = ("/api/applications/{name}/logs/{log}/live",)
"""They answer as long as somebody listens."""
_IDS: Final = (ANNE, "urn:ngsi-ld:Person:nobody", WATCH)
_SINCE: Final = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}
_TALLY: Final = {"options": "aggregatedValues", "aggrMethods": "totalCount,max"}
_NEAR: Final = {
    "georel": "near;maxDistance==9000000",
    "geometry": "Point",
    "coordinates": "[0.2,48.0]",
}
_QUERY: Final = {"type": "Query", "entities": [{"type": "Person"}], "attrs": ["name"]}
WORDS: Final[Words] = {
    **dict.fromkeys(("entities_1", "entity_id", "entity"), _IDS),
    **dict.fromkeys(("attrs_1", "attrs_2", "attributes_1"), ("name", "age", "location")),
    **dict.fromkeys(("types_1", "type_name"), ("Person", "Bus")),
    "subscriptions_1": (WATCH,),
    "name": ("watch", "mairie", "people", "gaston", "horloge", "vitrine", "Person"),
    "queries": (
        {},
        {"type": "Person"},
        {"type": "*", "options": "keyValues"},
        {"id": ANNE},
        {"type": "Person", "idPattern": ".*", "count": "true"},
        {"type": "Person", "q": 'name~=".*"'},
        {"type": "Person", "q": "age>3", "options": "sysAttrs"},
        {"type": "Person", "q": "friend{name}", "join": "inline", "joinLevel": "2"},
        {"type": "Person", "orderBy": "name", "limit": "5"},
        {"attrs": "name", "scopeQ": "/#"},
        {"type": "Person", **_NEAR},
        {"type": "Person", **_SINCE},
        {"type": "Person", **_SINCE, "options": "temporalValues", "lastN": "5"},
        {"type": "Person", **_SINCE, **_TALLY},
        _SINCE,
        {"options": "concise"},
        {"details": "true"},
        {"organisation": "mairie"},
        {"organisation": "mairie", "tenant": ""},
        {"tenant": ""},
        {"id": ANNE, "organisation": "mairie"},
        {"subject": "vitrine"},
        {"at": "0.2,48", "z": "12"},
        {"at": "0.2,48", "z": "18", "type": "Person"},
    ),
    "bodies": (
        _QUERY,
        _QUERY | {"q": 'name~=".*"', "temporalQ": _SINCE},
        {
            "type": "Query",
            "entities": [{"type": "Person"}],
            "temporalQ": _SINCE,
        },
        {"id": "urn:ngsi-ld:Bus:mine", "type": "Bus", "line": {"type": "Property", "value": 1}},
        [{"id": "urn:ngsi-ld:Bus:mine", "type": "Bus"}, {"id": ANNE, "type": "Person"}],
        [ANNE],
        {
            "type": "Subscription",
            "entities": [{"type": "Person"}],
            "notification": {"endpoint": {"uri": "https://receiver.example/"}},
        },
        {"type": "Property", "value": 1},
        {"name": {"type": "Property", "value": 1}},
    ),
}


class Door:
    """The whole platform, asked without a network."""

    def __init__(self, platform: Platform, tokens: Mapping[str, str]) -> None:
        self.documents = http_application(platform.services)
        services, clock = platform.services, platform.foundation.clock
        ngsi_ld = mounted_door(services.rights, services.exchange, clock)
        application = platform_application(services, ngsi_ld, clock)
        self._tokens = tokens
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast("Any", application)),
            base_url="https://console.example.localhost",
        )

    def headers(self, who: str) -> dict[str, str]:
        """Return what somebody says who they are by; "" is nobody."""
        told = {"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        return told | {"Authorization": f"Bearer {self._tokens[who]}"} if who else told

    async def ask(self, who: str, method: str, path: str, document: Any = None) -> httpx.Response:
        """Ask for one thing."""
        return await self.client.request(method, path, json=document, headers=self.headers(who))

    async def send(self, case: Case[Any], who: str) -> httpx.Response:
        """Send a random request."""
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            return await sent(self.client, case, self.headers(who))

    async def described(self) -> dict[str, dict[str, Any]]:
        """Return what can be asked: of the API, of the NGSI-LD door, of pages."""
        door = (await self.ask("paul", "GET", f"{DOOR}/openapi.json")).json()
        door["paths"] = {f"{DOOR}{path}": one for path, one in door["paths"].items()}
        del door["servers"]
        api = (await self.ask("paul", "GET", "/api/schema/")).json()
        for path in STREAMS:
            del api["paths"][path]
        return {"door": door, "api": api, "pages": pages_described(self.documents)}


@pytest.fixture
async def door(platform: Platform) -> AsyncIterator[Door]:
    rights = platform.services.rights
    tokens = {}
    for name, role, organisation in (
        ("gaston", Role.MANAGER, "mairie"),
        ("paul", Role.PARTNER, "ecole"),
    ):
        account = await rights.put_account(PLATFORM, name, role, organisation)
        tokens[name] = (await rights.issue_token(account.actor, "test")).secret.reveal()
    loops = [
        asyncio.create_task(one)
        for one in (
            platform.watch.run(),
            *exchange_loops(platform.exchange, platform.services.exchange),
        )
    ]
    door = Door(platform, tokens)
    await _keep(platform, door)
    yield door
    await door.client.aclose()
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def _keep(platform: Platform, door: Door) -> None:
    """Have the town hall keep what nobody else may see."""
    hidden = {"type": "Property", "value": f"{MARK} now", "unitCode": MARK}
    place = {"type": "Point", "coordinates": [0.2, 48.0]}
    person = {
        "type": "Person",
        "scope": f"/{MARK}",
        "name": hidden,
        "age": {"type": "Property", "value": 31, "datasetId": f"urn:{MARK}:set"},
        "friend": {"type": "Relationship", "object": f"urn:ngsi-ld:{MARK}:1"},
        "location": {"type": "GeoProperty", "value": place},
    }
    entities = (
        {"id": ANNE, **person},
        {**person, "id": f"urn:ngsi-ld:{MARK}:1", "type": f"{MARK}Type", f"{MARK}Name": hidden},
    )
    for one in entities:
        assert (await door.ask("gaston", "POST", f"{DOOR}/entities", one)).status_code == 201
    for value in (f"{MARK} then", f"{MARK} later"):
        changed = {"type": "Property", "value": value}
        path = f"{DOOR}/entities/{ANNE}/attrs/name"
        assert (await door.ask("gaston", "PATCH", path, changed)).status_code == 204
    watch = {
        "id": WATCH,
        "type": "Subscription",
        "description": MARK,
        "entities": [{"type": f"{MARK}Type"}],
        "notification": {"endpoint": {"uri": f"https://{MARK}.example/"}},
    }
    answer = await door.ask("gaston", "POST", f"{DOOR}/subscriptions", watch)
    assert answer.status_code == 201, answer.text
    await _declare(platform)


async def _declare(platform: Platform) -> None:
    declared = {
        "connectors": {
            name: {
                "name": name,
                "types": ["Person"],
                "fields": {MARK: {"attribute": "name"}},
                "webhook": {"url": f"https://{MARK}.example/", "secret": MARK},
            }
            for name in ("watch", f"{MARK}-flow")
        },
        "register": {
            "people": {
                "name": "people",
                "title": MARK,
                "types": ["Person"],
                "owner": MARK,
                "purpose": MARK,
                "legal_basis": "public-task",
                "personal": True,
            }
        },
        "policies": {
            "watch": {"name": "watch", "to": ["elsewhere"], "types": ["Person"], "title": MARK}
        },
    }
    services = platform.services
    await services.flow_vault.put(MAIRIE, "mairie", MARK, Secret(MARK))
    given = GivenDeclarations(
        source=f"{MARK}.yaml", declared=msgspec.convert(declared, ExchangeFile)
    )
    await services.declarations.apply(MAIRIE, given)


@pytest.mark.timeout(120)
async def test_no_request_finds_a_fault(door: Door) -> None:
    """Whether a partner asks or nobody: what is answered is what is described."""
    documents = await door.described()
    for of in ("door", "api"):
        for case in random_requests(documents[of], WORDS, 2):
            for who in ("paul", ""):
                answer = await door.send(case, who)
                conforms(case, answer, documents[of])
                assert answer.status_code < 500 or answer.status_code in _NOT_FAULTS, answer.text


@pytest.mark.timeout(120)
async def test_nothing_of_another_organisation_is_told_whatever_is_asked(door: Door) -> None:
    documents = await door.described()
    told = 0
    for of, most in (("door", 10), ("api", 2), ("pages", 2)):
        for case in random_requests(_reading(documents[of]), WORDS, most):
            answer = await door.send(case, "paul")
            shown = f"{answer.text}{json.dumps(dict(answer.headers))}".lower()
            assert MARK not in shown, f"{case.as_curl_command()}\n{answer.text[:500]}"
            told += answer.status_code == HTTPStatus.OK
    assert told > 100


def _reading(document: dict[str, Any]) -> dict[str, Any]:
    """Return what only reads and is offered."""
    paths = {
        path: {
            method: one
            for method, one in operations.items()
            if (method == "get" or path.endswith("/query"))
            and one.get("summary") != "Answer that it is not offered yet."
            # They answer for as long as somebody looks; tests of their own hold them.
            and not path.endswith("/live")
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": {path: one for path, one in paths.items() if one}}
