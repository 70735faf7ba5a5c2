"""What clause 5.13 of the standard says of @contexts, asked by HTTP."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from httpx import ASGITransport, AsyncClient, Response

from beffroi.exchange.api.askers import Askers
from beffroi.exchange.api.contexts import ContextRoutes
from beffroi.exchange.api.door import DOOR_PATH, Door
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.model import Json
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import Rights
from tests.integration.exchange.contexts.conftest import PUBLIC_URL
from tests.support.clocks import ManualClock
from tests.support.context_server import ContextServer

_TERMS = {"flow": "https://data.nimes.fr/terms#flow"}
_HERE = f"{DOOR_PATH}/jsonldContexts"
_TRAFFIC = {"NGSILD-Tenant": "traffic"}


@pytest.fixture
async def client(
    contexts: Contexts, database: Database, clock: ManualClock
) -> AsyncIterator[AsyncClient]:
    """A partner's program at the door."""
    rights = Rights(database, clock)
    account = await rights.put_account(PLATFORM, "sensors", Role.PARTNER, "nimes")
    token = (await rights.issue_token(account.actor, "door")).secret.reveal()
    door = Door(Askers(rights), ContextRoutes(contexts).routes())
    async with AsyncClient(
        transport=ASGITransport(door),
        base_url="http://door",
        headers={"Authorization": f"Bearer {token}"},
    ) as asking:
        yield asking


async def test_what_is_added_is_listed_served_and_deleted(client: AsyncClient) -> None:
    added = await client.post(_HERE, json={"@context": _TERMS}, headers=_TRAFFIC)
    assert (added.status_code, added.content) == (201, b"")
    location = added.headers["Location"]
    listed = await client.get(_HERE, headers=_TRAFFIC)
    assert PUBLIC_URL + location in listed.json()
    assert PUBLIC_URL + location not in (await client.get(_HERE)).json()
    served = await client.get(location, headers=_TRAFFIC)
    assert served.json() == {"@context": _TERMS}
    assert served.headers["Content-Type"] == "application/json"
    details = await client.get(f"{location}?details=true", headers=_TRAFFIC)
    assert details.json() == {
        "URL": PUBLIC_URL + location,
        "localId": location.rpartition("/")[2],
        "kind": "Hosted",
        "createdAt": "2026-03-02T08:00:00Z",
        "numberOfHits": 1,
        "lastUsage": "2026-03-02T08:00:00Z",
    }
    assert (await client.delete(location)).status_code == 404
    assert (await client.delete(location, headers=_TRAFFIC)).status_code == 204
    assert (await client.get(location, headers=_TRAFFIC)).status_code == 404


async def test_details_and_kinds_are_chosen(
    client: AsyncClient, contexts: Contexts, web: ContextServer
) -> None:
    await client.post(_HERE, json={"@context": _TERMS})
    await contexts.resolved("", web.put("/town", _TERMS))
    listed = (await client.get(f"{_HERE}?details=true")).json()
    assert sorted(one["kind"] for one in listed) == ["Cached", "Cached", "Hosted"]
    for kind, many in (("Hosted", 1), ("Cached", 2), ("ImplicitlyCreated", 0)):
        found = await client.get(_HERE, params={"kind": kind, "details": "false"})
        assert len(found.json()) == many
    for query in ("kind=hosted", "kind=other", "details=1", "details=true&kind="):
        _refused(await client.get(f"{_HERE}?{query}"), 400, "BadRequestData")


async def test_a_copy_is_named_by_its_address(
    client: AsyncClient, contexts: Contexts, web: ContextServer
) -> None:
    url = web.put("/town?a=b", _TERMS)
    await contexts.resolved("", url)
    path = f"{_HERE}/{quote(url, safe='')}"
    assert (await client.get(f"{path}?details=true")).json()["URL"] == url
    assert (await client.delete(f"{path}?reload=true")).status_code == 204
    assert web.asked["/town?a=b"] == 2
    await web.stop()
    _refused(await client.delete(f"{path}?reload=true"), 504, "LdContextNotAvailable")
    assert (await client.delete(f"{path}?reload=false")).status_code == 204
    _refused(await client.delete(path), 404, "ResourceNotFound")


async def test_a_hosted_context_is_not_loaded_again(client: AsyncClient) -> None:
    added = await client.post(_HERE, json={"@context": _TERMS})
    for name in (added.headers["Location"], f"{_HERE}/unknown"):
        for flag in ("true", "xxx"):
            _refused(await client.delete(f"{name}?reload={flag}"), 400, "BadRequestData")


@pytest.mark.parametrize("body", [b"{", b'{"flow": "urn:flow"}', b"[]", b"null"])
async def test_a_body_without_a_context_is_no_request(client: AsyncClient, body: bytes) -> None:
    answer = await client.post(_HERE, content=body, headers={"Content-Type": "application/json"})
    _refused(answer, 400, "InvalidRequest")


@pytest.mark.parametrize("context", [42, True, ["https://example.org/context.jsonld", 7]])
async def test_a_context_that_is_none_is_bad_data(client: AsyncClient, context: Json) -> None:
    answer = await client.post(_HERE, json={"@context": context})
    _refused(answer, 400, "BadRequestData")
    assert "Location" not in answer.headers


def _refused(answer: Response, status: int, problem: str) -> None:
    assert answer.status_code == status
    assert answer.json()["type"] == f"https://uri.etsi.org/ngsi-ld/errors/{problem}"
    assert answer.json()["remedy"]
