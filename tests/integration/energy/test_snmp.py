"""What is said of units that do not answer, or not to everybody."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from pysnmp.proto.api import v2c

from beffroi.energy.drivers.snmp import (
    AuthenticationHash,
    Community,
    SnmpAccess,
    SnmpPower,
    SnmpUser,
)
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.secrets import Secret
from tests.contract.energy.rigs import free_udp_port
from tests.contract.energy.snmp_agent import COMMUNITY, OID, SnmpAgent

USER = SnmpUser("town", Secret("authentication"), Secret("confidential"))
ACCESS = SnmpAccess(
    address="127.0.0.1",
    oid=".".join(map(str, OID)),
    asker=Community(Secret(COMMUNITY)),
    answer_within_s=0.2,
)


@pytest.fixture
async def open_unit() -> AsyncIterator[SnmpAccess]:
    port = free_udp_port()
    agent = SnmpAgent(port)
    agent.shown = v2c.Gauge32(230)
    yield msgspec.structs.replace(ACCESS, port=port)
    agent.stop()


@pytest.fixture
async def closed_unit() -> AsyncIterator[SnmpAccess]:
    port = free_udp_port()
    agent = SnmpAgent(port, USER)
    agent.shown = v2c.Gauge32(230)
    yield msgspec.structs.replace(ACCESS, port=port, asker=USER)
    agent.stop()


async def _watts(access: SnmpAccess) -> float:
    source = SnmpPower(access)
    try:
        return await source.watts()
    finally:
        await source.close()


async def _refusal(access: SnmpAccess) -> UnavailableError:
    with pytest.raises(UnavailableError) as raised:
        await _watts(access)
    return raised.value


async def test_a_value_is_turned_into_watts_by_its_scale(open_unit: SnmpAccess) -> None:
    assert await _watts(msgspec.structs.replace(open_unit, scale=0.1)) == pytest.approx(23)


async def test_another_object_is_no_number(open_unit: SnmpAccess) -> None:
    refusal = await _refusal(msgspec.structs.replace(open_unit, oid="1.3.6.1.2.1.1.1.0"))
    assert refusal.code == "energy.snmp_no_number"


async def test_a_unit_that_is_away_is_told() -> None:
    refusal = await _refusal(msgspec.structs.replace(ACCESS, port=free_udp_port()))
    assert refusal.code == "energy.snmp_silent"


@pytest.mark.parametrize(
    "asker",
    [
        pytest.param(Community(Secret(COMMUNITY)), id="community"),
        pytest.param(
            SnmpUser("town", Secret("another one"), Secret("confidential")), id="authentication"
        ),
        pytest.param(
            SnmpUser("town", Secret("authentication"), Secret("another one")), id="privacy"
        ),
        pytest.param(
            SnmpUser(
                *("town", Secret("authentication"), Secret("confidential")),
                AuthenticationHash.SHA1,
            ),
            id="hash",
        ),
    ],
)
async def test_only_who_knows_the_secrets_is_answered(
    closed_unit: SnmpAccess, asker: Community | SnmpUser
) -> None:
    assert await _watts(closed_unit) == 230
    refusal = await _refusal(msgspec.structs.replace(closed_unit, asker=asker))
    assert refusal.code == "energy.snmp_silent"


async def test_a_community_is_never_shown() -> None:
    refusal = await _refusal(msgspec.structs.replace(ACCESS, port=free_udp_port()))
    assert COMMUNITY not in f"{ACCESS} {refusal} {refusal.values}"
