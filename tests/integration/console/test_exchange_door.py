"""The door of the exchange beside the console, as the platform mounts both."""

from http import HTTPStatus

import httpx

from beffroi.app.http import platform_application
from beffroi.app.wiring import Platform
from beffroi.exchange.api.mounting import mounted_door
from beffroi.kernel.http.api import API_PATH
from beffroi.kernel.rights.model import PLATFORM, Role


async def test_each_path_reaches_its_own_application(platform: Platform) -> None:
    services = platform.services
    account = await services.rights.put_account(PLATFORM, "examiner", Role.OPERATOR)
    token = (await services.rights.issue_token(account.actor, "test")).secret.reveal()
    clock = platform.foundation.clock
    door = mounted_door(services.rights, services.exchange, clock)
    application = platform_application(services, door, clock)
    transport = httpx.ASGITransport(app=application)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="https://console") as client:
        types = await client.get("/ngsi-ld/v1/types", headers=headers)
        refused = await client.get("/ngsi-ld/v1/types")
        operations = await client.get(f"{API_PATH}/operations", headers=headers)
        elsewhere = await client.get("/ngsi-ld/v2/types", headers=headers)
    assert (types.status_code, types.json()["type"]) == (HTTPStatus.OK, "EntityTypeList")
    assert refused.headers["content-type"] == "application/problem+json"
    assert operations.status_code == HTTPStatus.OK
    assert elsewhere.status_code == HTTPStatus.NOT_FOUND
