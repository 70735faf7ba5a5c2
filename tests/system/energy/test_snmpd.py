"""Debian's own SNMP agent (net-snmp), which shares no code with ours, tells a power."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from beffroi.energy.drivers.snmp import (
    AuthenticationHash,
    Community,
    SnmpAccess,
    SnmpPower,
    SnmpUser,
)
from beffroi.kernel.errors import BeffroiError, UnavailableError
from beffroi.kernel.secrets import Secret
from tests.contract.energy.rigs import free_udp_port
from tests.contract.energy.snmp_agent import COMMUNITY, OID
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("snmpd", path="/usr/sbin:/usr/bin") is None, reason="needs Debian's snmpd"
    ),
]
_OID = ".".join(map(str, OID))
_SECRETS = (Secret("authentication"), Secret("confidential"))
_USERS = {
    AuthenticationHash.SHA1: SnmpUser("older", *_SECRETS, AuthenticationHash.SHA1),
    AuthenticationHash.SHA256: SnmpUser("newer", *_SECRETS, AuthenticationHash.SHA256),
}
_SETTINGS = """\
agentaddress udp:127.0.0.1:{port}
rocommunity {community} 127.0.0.1
createUser older SHA authentication AES confidential
createUser newer SHA-256 authentication AES confidential
rouser older priv
rouser newer priv
pass .{oid} /bin/sh {script}
"""


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[SnmpAccess]:
    script = tmp_path / "power.sh"
    script.write_text(f"echo .{_OID}; echo gauge; echo 37\n")
    port = free_udp_port()
    settings = tmp_path / "snmpd.conf"
    settings.write_text(_SETTINGS.format(port=port, community=COMMUNITY, oid=_OID, script=script))
    process = await asyncio.create_subprocess_exec(
        *("/usr/sbin/snmpd", "-f", "-Lf", str(tmp_path / "log.txt"), "-C", "-c", str(settings)),
        *("-p", str(tmp_path / "pid")),
        env={"SNMP_PERSISTENT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    access = SnmpAccess(
        address="127.0.0.1",
        port=port,
        oid=_OID,
        scale=10,
        asker=Community(Secret(COMMUNITY)),
        answer_within_s=0.5,
    )
    try:
        await eventually(lambda: _answers(access), within_s=15)
        yield access
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _watts(access: SnmpAccess) -> float:
    source = SnmpPower(access)
    try:
        return await source.watts()
    finally:
        await source.close()


async def _answers(access: SnmpAccess) -> bool:
    try:
        return await _watts(access) > 0
    except BeffroiError:
        return False


async def test_power_is_read_by_community(unit: SnmpAccess) -> None:
    assert await _watts(unit) == 370


@pytest.mark.parametrize("signed_by", AuthenticationHash)
async def test_power_is_read_by_user(unit: SnmpAccess, signed_by: AuthenticationHash) -> None:
    assert await _watts(msgspec.structs.replace(unit, asker=_USERS[signed_by])) == 370


async def test_a_user_with_another_secret_is_not_answered(unit: SnmpAccess) -> None:
    stranger = SnmpUser("newer", Secret("another one"), Secret("confidential"))
    with pytest.raises(UnavailableError):
        await _watts(msgspec.structs.replace(unit, asker=stranger))
