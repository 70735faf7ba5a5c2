"""Changes dropped as CSV files in a folder of a partner, by SFTP.

A file is written under a name that ends in .part and renamed when it is whole. It is called after
the place in the log where it begins: written again after a crash, it takes its own place.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncssh
import msgspec

from beffroi.exchange.connectors.declared import SftpTarget
from beffroi.exchange.connectors.mapping import Row
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import Pace
from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.secrets import Secret

_WITHIN_S: Final = 30.0
_WRITTEN_WITHIN_S: Final = 120.0
_KEY_BEGINS: Final = "-----BEGIN"


class SftpDriver:
    """Drops files by SFTP."""

    def __init__(self, outgoing: Outgoing, vault: FlowVault) -> None:
        self._outgoing = outgoing
        self._vault = vault

    @asynccontextmanager
    async def opened(
        self, flow: HeldFlow, target: SftpTarget, names: Sequence[str]
    ) -> AsyncIterator["Drop"]:
        """Get ready; a connection is made for each file, for they are far apart."""
        secret = await self._vault.secret(flow.organisation, target.secret)
        drop = Drop(flow, target, names, secret, self._outgoing)
        await drop.check()
        yield drop


class Drop:
    """A folder at a partner's."""

    keeps_last = False

    def __init__(
        self,
        flow: HeldFlow,
        target: SftpTarget,
        names: Sequence[str],
        secret: Secret,
        outgoing: Outgoing,
    ) -> None:
        self.pace = Pace(target.rows_most, target.every_s)
        self._flow = flow
        self._target = target
        self._folder = target.folder or "."
        self._names = names
        self._secret = secret
        self._outgoing = outgoing

    async def check(self) -> None:
        """Look whether the folder is there.

        Raises:
            FlowFailedError: It is not, or the server is not the one that was declared.
        """
        async with self._connected() as sftp:
            if not await sftp.isdir(self._folder):
                raise FlowFailedError("exchange.connector_folder_missing", folder=self._folder)

    async def deliver(self, changes: Sequence[Change]) -> None:
        """Write one file."""
        separator = self._target.separator
        content = await asyncio.to_thread(table_of, self._names, changes, separator)
        name = f"{self._flow.name}-{changes[0].seq:012}.csv"
        path = f"{self._folder.rstrip('/')}/{name}"
        async with self._connected() as sftp:
            async with sftp.open(f"{path}.part", "wb") as file:
                await file.write(content)
            await sftp.posix_rename(f"{path}.part", path)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SFTPClient]:
        target = self._target
        try:
            async with asyncio.timeout(_WRITTEN_WITHIN_S):
                address = await self._outgoing.address_of(target.host)
                async with (
                    asyncssh.connect(
                        address,
                        target.port,
                        username=target.user,
                        known_hosts=([asyncssh.import_public_key(target.host_key)], [], []),
                        config=None,
                        agent_path=None,
                        x509_trusted_certs=None,
                        connect_timeout=_WITHIN_S,
                        login_timeout=_WITHIN_S,
                        **_credentials(self._secret),
                    ) as connection,
                    connection.start_sftp_client() as sftp,
                ):
                    yield sftp
        except (asyncssh.Error, asyncssh.KeyImportError, OSError, TimeoutError) as error:
            where = f"{target.host}:{target.port}"
            reason = str(error) or type(error).__name__
            raise FlowFailedError(
                "exchange.connector_away", host=where, reason=reason[:300]
            ) from error


def table_of(names: Sequence[str], changes: Sequence[Change], separator: str) -> bytes:
    """Write changes as CSV (RFC 4180) in UTF-8, under their names and ``deleted``."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([*names, "deleted"])
    writer.writerows(
        [*(_cell(one.row, name) for name in names), str(one.deleted).lower()] for one in changes
    )
    return text.getvalue().encode()


def _cell(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _credentials(secret: Secret) -> dict[str, Any]:
    revealed = secret.reveal()
    if revealed.startswith(_KEY_BEGINS):
        return {"client_keys": [asyncssh.import_private_key(revealed)], "password": None}
    return {"password": revealed, "client_keys": None}
