"""Changes put into a table of a partner's PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from beffroi.exchange.connectors.declared import TableTarget
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import Pace, ReceiverRefusedError
from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.database import Connection
from beffroi.kernel.database.partner import (
    PartnerPlace,
    PartnerTable,
    RowsRefusedError,
    columns_of,
    partner_connection,
    put_rows,
)
from beffroi.territory.shape import nearest

_WITHIN_S: Final = 60.0


class TableDriver:
    """Puts changes into tables."""

    def __init__(self, outgoing: Outgoing, vault: FlowVault) -> None:
        self._outgoing = outgoing
        self._vault = vault

    @asynccontextmanager
    async def opened(
        self, flow: HeldFlow, target: TableTarget, names: Sequence[str]
    ) -> AsyncIterator["Table"]:
        """Connect, and look whether the table has the columns and the key."""
        place = PartnerPlace(
            host=target.host,
            address=await self._outgoing.address_of(target.host),
            port=target.port,
            database=target.database,
            user=target.user,
            password=await self._vault.secret(flow.organisation, target.secret),
            encrypted=target.tls,
        )
        async with partner_connection(place) as connection:
            table = PartnerTable(target.schema, target.table, target.key)
            columns, has_key = await columns_of(connection, table)
            _check(table, names, columns, has_key=has_key)
            yield Table(table, connection, target.rows_most)


class Table:
    """A table that fits."""

    keeps_last = True

    def __init__(self, table: PartnerTable, connection: Connection, rows_most: int) -> None:
        self.pace = Pace(rows_most)
        self._table = table
        self._connection = connection

    async def deliver(self, changes: Sequence[Change]) -> None:
        """Put rows in, and take those of deleted entities out, in one transaction."""
        key = self._table.key
        last = {msgspec.json.encode([one.row[name] for name in key]): one for one in changes}
        rows = [one.row for one in last.values() if not one.deleted]
        gone = [one.row for one in last.values() if one.deleted]
        try:
            async with asyncio.timeout(_WITHIN_S):
                await put_rows(self._connection, self._table, rows, gone)
        except RowsRefusedError as error:
            raise ReceiverRefusedError(
                "exchange.connector_row_refused", table=self._table.name, **error.values
            ) from error
        except TimeoutError as error:
            raise FlowFailedError(
                "exchange.no_answer_in_time", url=self._table.name, seconds=_WITHIN_S
            ) from error


def _check(
    table: PartnerTable, names: Sequence[str], columns: Sequence[str], *, has_key: bool
) -> None:
    told = f"{table.schema}.{table.name}"
    if not columns:
        raise FlowFailedError("exchange.connector_table_missing", table=told)
    for name in names:
        if name not in columns:
            raise FlowFailedError(
                "exchange.connector_column_missing",
                table=told,
                column=name,
                nearest=nearest(name, columns),
                known=", ".join(columns)[:300],
            )
    if not has_key:
        raise FlowFailedError(
            "exchange.connector_key_missing", table=told, key=", ".join(table.key)
        )
