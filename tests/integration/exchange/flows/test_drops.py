"""Changes dropped as files by SFTP, at a real server."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from beffroi.exchange.flows.model import FlowHealth
from tests.support.flow_process import SECRET, FlowProcess, buildings
from tests.support.town_subscriptions import building, create, update
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"


class _Accounts(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return username == "town"

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("town", SECRET.reveal())


class SftpServer:
    """A partner's SFTP server; ``folder`` is what its account sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self._listener: asyncssh.SSHAcceptor | None = None

    async def start(self) -> None:
        """Listen, on the port of before where there was one."""

        def rooted(channel: Any) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self.folder).encode())

        self._listener = await asyncssh.create_server(
            _Accounts,
            "127.0.0.1",
            self.port,
            server_host_keys=[self.key],
            sftp_factory=rooted,
        )
        self.port = self._listener.get_port()

    async def stop(self) -> None:
        """Listen no more."""
        assert self._listener is not None
        self._listener.close()
        await self._listener.wait_closed()

    def connector(self, **drop: Any) -> dict[str, Any]:
        """Return a connector to the folder in/."""
        host_key = self.key.export_public_key().decode().strip()
        place = {"host": "localhost", "port": self.port, "user": "town", "secret": "key"}
        return buildings(
            sftp={**place, "host_key": host_key, "folder": "/in", "every_s": 0.4, **drop}
        )

    def tables(self) -> list[list[list[str]]]:
        """Return the rows of each file that is whole, in the order of their names."""
        return [
            list(csv.reader(io.StringIO(file.read_text("utf-8")), delimiter=";"))
            for file in sorted((self.folder / "in").glob("*.csv"))
        ]


@pytest.fixture
async def sftp(tmp_path: Path) -> AsyncIterator[SftpServer]:
    (tmp_path / "in").mkdir()
    server = SftpServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def test_changes_of_a_while_become_one_whole_file(
    platform: FlowProcess, sftp: SftpServer
) -> None:
    await platform.apply({"out": sftp.connector()})
    await create(platform, building(level=1, name="Mairie; annexe"))
    await update(platform, B1, {"level": 2})
    await eventually(sftp.tables)
    (table,) = sftp.tables()
    assert table == [
        ["code", "floors", "label", "deleted"],
        [B1, "1", "Mairie; annexe", "false"],
        [B1, "2", "Mairie; annexe", "false"],
    ]
    assert not list((sftp.folder / "in").glob("*.part"))


async def test_a_server_with_another_key_is_given_nothing(
    platform: FlowProcess, sftp: SftpServer
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    await platform.apply({"out": sftp.connector(host_key=other)})
    await create(platform, building(level=1))
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_away"
    assert "Host key is not trusted" in error.values["reason"]
    assert not sftp.tables()


async def test_a_key_that_is_none_is_told(platform: FlowProcess, sftp: SftpServer) -> None:
    await platform.apply({"out": sftp.connector(host_key="ssh-ed25519 AAAA")})
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_away"


async def test_a_folder_that_is_missing_is_told(platform: FlowProcess, sftp: SftpServer) -> None:
    await platform.apply({"out": sftp.connector(folder="/elsewhere")})
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_folder_missing"
    (sftp.folder / "elsewhere").mkdir()

    async def is_well() -> bool:
        return (await platform.told()).health is not FlowHealth.FAILING

    await eventually(is_well)


async def test_a_server_that_is_away_for_a_while_gets_all(
    platform: FlowProcess, sftp: SftpServer
) -> None:
    await platform.apply({"out": sftp.connector()})
    await create(platform, building(level=0))
    await eventually(sftp.tables)
    await sftp.stop()
    for level in range(1, 5):
        await update(platform, B1, {"level": level})
    await eventually(platform.failure)
    await sftp.start()

    def floors() -> list[str]:
        return [row[1] for table in sftp.tables() for row in table[1:]]

    assert await eventually(lambda: floors() == ["0", "1", "2", "3", "4"])
