"""Sources that are asked for their rows: addresses and a partner's database."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date, datetime
from typing import Any, Final, Protocol

from msgspec import UNSET

from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.polling import Poll, PollFailedError, Validators
from beffroi.exchange.feeds.rows import Row, flattened
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.database.partner_queries import hosts_of, partner_rows
from beffroi.kernel.secrets import Secret

_SECRET: Final = re.compile(r"\{secret:([^{}]+)\}")


class Secrets(Protocol):
    """Where secrets are that declarations name."""

    async def secret(self, organisation: str, name: str) -> Secret:
        """Return a secret.

        Raises:
            BeffroiError: It has no value.
        """
        ...


class EnvironmentSecrets:
    """Secrets of who tries a file: ``BEFFROI_SECRET_NAME`` in the environment."""

    async def secret(self, organisation: str, name: str) -> Secret:
        """Return a secret."""
        del organisation
        variable = "BEFFROI_SECRET_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        if variable not in os.environ:
            raise PollFailedError("exchange.feed_secret_absent", name=name, variable=variable)
        return Secret(os.environ[variable])


class AskedSources:
    """Asks sources in the name of an organisation.

    Args:
        outgoing: Asks only where it may.
        secrets: What declarations name.
    """

    def __init__(self, outgoing: Outgoing, secrets: Secrets) -> None:
        self._outgoing = outgoing
        self._secrets = secrets

    async def poll(self, organisation: str, gathered: Gathered, seen: Validators) -> Validators:
        """Ask an address once, for all of its pages.

        Returns:
            What the next asking has to know.

        Raises:
            BeffroiError: It cannot be asked, or does not answer as it should.
        """
        feed = gathered.feed
        if feed.poll is UNSET:
            raise ValueError(feed.name)
        headers = {
            name: await self._filled(organisation, value)
            for name, value in feed.poll.headers.items()
        }
        validators, count = seen, 0
        poll = Poll(feed.poll, feed.format, headers, self._outgoing)
        async with aclosing(poll.pages(seen)) as pages:
            async for page in pages:
                count += 1
                # The first page may stay as it is while the others change.
                validators = page.validators if count == 1 else Validators()
                await asyncio.to_thread(gathered.add_file, page.file, page.format)
        return validators

    async def rows(
        self, organisation: str, feed: Feed, position: str | None
    ) -> AsyncGenerator[Row, None]:
        """Give the rows of a query from a position on, that one included.

        Raises:
            BeffroiError: The database cannot be asked, or refuses the query.
        """
        if feed.sql is UNSET:
            raise ValueError(feed.name)
        url = await self._secrets.secret(organisation, feed.sql.connection)
        addresses = {host: await self._outgoing.address_of(host) for host in hosts_of(url)}
        number = 0
        query = (feed.sql.query, feed.sql.position)
        async for row in partner_rows(url, *query, position, addresses):
            number += 1
            cells = flattened({name: _plain(value) for name, value in row.items()})
            yield Row(RowPlace(feed.place, number), cells)

    async def _filled(self, organisation: str, template: str) -> str:
        filled = template
        for found in _SECRET.finditer(template):
            secret = await self._secrets.secret(organisation, found[1])
            filled = filled.replace(found[0], secret.reveal())
        return filled


def position_of(feed: Feed, row: Row) -> str:
    """Return where in the query a row stands."""
    return "" if feed.sql is UNSET else row.cells.get(feed.sql.position, "")


def _plain(value: Any) -> Any:  # noqa: ANN401 - what PostgreSQL may hold
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)
