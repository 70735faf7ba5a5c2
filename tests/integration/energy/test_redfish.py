"""Where servers tell their power, whom the driver trusts, and what it says when they do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from beffroi.energy.drivers.redfish import RedfishAccess, RedfishPower
from beffroi.kernel.errors import BeffroiError, InvalidInputError, UnavailableError
from beffroi.kernel.secrets import Secret
from tests.contract.energy.redfish_server import RedfishFiles, redfish_server
from tests.integration.energy.redfish_emulator import PASSWORD, USER, redfish_emulator
from tests.support.town import free_port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedfishFiles]:
    async with redfish_server(tmp_path) as made:
        yield made


def _access(server: RedfishFiles, chassis: str = "") -> RedfishAccess:
    return RedfishAccess(
        url=server.url,
        user="",
        password=Secret(""),
        certificate=server.certificate,
        chassis=chassis,
    )


@asynccontextmanager
async def _asked(access: RedfishAccess) -> AsyncIterator[RedfishPower]:
    source = RedfishPower(access)
    try:
        yield source
    finally:
        await source.close()


async def _watts(access: RedfishAccess) -> float:
    async with _asked(access) as source:
        return await source.watts()


async def _refusal(access: RedfishAccess) -> BeffroiError:
    with pytest.raises(BeffroiError) as raised:
        await _watts(access)
    return raised.value


def _power_control(*watts: float | None) -> dict[str, object]:
    return {"PowerControl": [{"PowerConsumedWatts": one} for one in watts]}


async def test_the_newer_resource_is_believed_first(server: RedfishFiles) -> None:
    server.show("Power", _power_control(344))
    server.show("EnvironmentMetrics", {"PowerWatts": {"Reading": 374}})
    assert await _watts(_access(server)) == 374


@pytest.mark.parametrize("metrics", [{}, {"PowerWatts": {"Reading": None}}])
async def test_metrics_without_power_lead_to_the_older_resource(
    server: RedfishFiles, metrics: dict[str, object]
) -> None:
    server.show("EnvironmentMetrics", metrics)
    server.show("Power", _power_control(344))
    assert await _watts(_access(server)) == 344


async def test_parts_of_a_machine_are_not_added_to_the_whole(server: RedfishFiles) -> None:
    server.show("Power", _power_control(344, 120, 60))
    assert await _watts(_access(server)) == 344


async def test_power_supplies_are_added_up(server: RedfishFiles) -> None:
    server.show("Power", _power_control(None))
    server.show_supplies({"Bay1": 180.5, "Bay2": 170, "Bay3": None})
    assert await _watts(_access(server)) == 350.5


async def test_a_chassis_is_chosen_where_several_tell_power(server: RedfishFiles) -> None:
    server.show("Power", _power_control(4000), "Enclosure")
    server.show("Power", _power_control(300), "Blade1")
    refusal = await _refusal(_access(server))
    assert isinstance(refusal, InvalidInputError)
    assert refusal.values["chassis"] == "Blade1, Enclosure"
    assert await _watts(_access(server, "Blade1")) == 300


async def test_the_chassis_is_found_once(server: RedfishFiles) -> None:
    server.show("Power", _power_control(300))
    async with _asked(_access(server)) as source:
        assert await source.watts() == 300
        server.show("Power", _power_control(4000), "Enclosure")
        server.show("Power", _power_control(310))
        assert await source.watts() == 310


async def test_a_chassis_that_stops_telling_is_told(server: RedfishFiles) -> None:
    server.show("Power", _power_control(300))
    async with _asked(_access(server)) as source:
        assert await source.watts() == 300
        server.show("Power", _power_control(None))
        with pytest.raises(UnavailableError) as raised:
            await source.watts()
    assert raised.value.code == "energy.redfish_no_power"


async def test_an_answer_that_is_no_redfish_is_told(server: RedfishFiles) -> None:
    server.show("Power", {"PowerControl": "none"})
    assert (await _refusal(_access(server))).code == "energy.redfish_answer_unclear"


async def test_a_certificate_that_nobody_vouches_for_is_refused(server: RedfishFiles) -> None:
    server.show("Power", _power_control(300))
    stranger = msgspec.structs.replace(_access(server), certificate=None)
    refusal = await _refusal(stranger)
    assert refusal.code == "energy.redfish_silent"
    assert "certificate" in f"{refusal.values['why']}".lower()


async def test_a_controller_that_is_away_is_told(server: RedfishFiles) -> None:
    away = msgspec.structs.replace(_access(server), url=f"https://127.0.0.1:{free_port()}")
    assert (await _refusal(away)).code == "energy.redfish_silent"


async def test_a_controller_s_password_is_asked_for(tmp_path: Path) -> None:
    """The emulator's machines tell no power: the one refusal is of the password alone."""
    async with redfish_emulator(tmp_path) as (url, certificate):
        access = RedfishAccess(
            url=url, user=USER, password=Secret("wrong"), certificate=certificate
        )
        refused = await _refusal(access)
        assert (refused.code, refused.values["status"]) == ("energy.redfish_refused", 401)
        let_in = msgspec.structs.replace(access, password=Secret(PASSWORD))
        assert (await _refusal(let_in)).code == "energy.redfish_no_power"


async def test_a_password_is_never_shown(server: RedfishFiles) -> None:
    access = msgspec.structs.replace(_access(server), password=Secret("confidential"))
    refusal = await _refusal(access)
    assert "confidential" not in f"{access} {refusal} {refusal.values}"
