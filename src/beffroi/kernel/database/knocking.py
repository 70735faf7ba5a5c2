"""Asking a server whether it takes connections, without signing in."""

import asyncio

from psycopg.pq import PGconn, Ping

_WITHIN_S = 10


async def takes_connections(url: str) -> bool:
    """Knock.

    Args:
        url: Of the server, best without a password: to prove one costs both sides most.
    """
    asked = f"{url}&connect_timeout={_WITHIN_S}".encode()
    return bool(await asyncio.to_thread(PGconn.ping, asked) == Ping.OK)
