"""Requests to addresses that others chose: never to the platform's own network, never for long."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Any, Final, Self

import httpcore
import httpx
import msgspec

from beffroi.exchange.errors import ExchangeError
from beffroi.kernel.units import MIB

_ANSWER_MOST_BYTES: Final = MIB
_SCHEMES: Final = frozenset({"http", "https"})
_CONNECTIONS_MOST: Final = 64
_ORIGINS_MOST: Final = 256
_KEPT_S: Final = 30.0
_NAMES_AT_ONCE: Final = 16
_ADDRESSES_TRIED: Final = 4
# Source: RFC 6052, section 2.1: IPv4 addresses as a translator shows them.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class UnreachableError(ExchangeError):
    """An address that others chose does not answer as it should, or may not be asked."""

    status = 502


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        location: Where a redirect leads to, as it was written.
    """

    status: int
    media_type: str
    content: bytes
    location: str = ""


class Outgoing:
    """Asks addresses that others chose.

    A name is resolved once a connection, its addresses are looked at, and one of those is asked:
    what the name says a moment later changes nothing. Redirects are answers, and are not followed.

    Args:
        allow_internal: Also ask loopback, private and link-local addresses.
    """

    def __init__(self, *, allow_internal: bool) -> None:
        self._network = _CheckedNetwork(allow_internal=allow_internal)
        self._encryption = httpx.create_ssl_context()
        self._pools: OrderedDict[str, httpcore.AsyncConnectionPool] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close connections that are kept."""
        for pool in self._pools.values():
            await pool.aclose()
        self._network.close()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        within_s: float,
        content: bytes = b"",
    ) -> Answer:
        """Send one request; return the answer, whatever its status.

        Args:
            method: Of HTTP.
            url: Where to; http or https.
            headers: Sent with it.
            within_s: All of it, name resolution included.
            content: The body.

        Raises:
            UnreachableError: Nothing answers in time, the address may not be asked, or the answer
                is larger than 1 MiB.
        """
        target = _target(url)
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with (
                asyncio.timeout(within_s),
                (await self._pool_of(str(target.origin))).stream(
                    method,
                    target,
                    headers=[(b"Accept-Encoding", b"identity"), *sent],
                    content=content or None,
                ) as response,
            ):
                return await _answer(url, response)
        except TimeoutError as error:
            raise UnreachableError(
                "exchange.no_answer_in_time", url=url, seconds=within_s
            ) from error
        except _InternalAddressError as error:
            raise UnreachableError(
                "exchange.address_internal", url=url, address=error.address
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError("exchange.no_answer", url=url, reason=reason) from error

    async def _pool_of(self, origin: str) -> httpcore.AsyncConnectionPool:
        """Return the connections to an origin; they cost nothing to requests to others.

        A pool looks at every connection that it has at each request: one for all would be slow.
        """
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = httpcore.AsyncConnectionPool(
                ssl_context=self._encryption,
                max_connections=_CONNECTIONS_MOST,
                keepalive_expiry=_KEPT_S,
                network_backend=self._network,
            )
            await self._forget_idle()
        self._pools.move_to_end(origin)
        return pool

    async def _forget_idle(self) -> None:
        for origin, pool in list(self._pools.items())[:-1]:
            if len(self._pools) <= _ORIGINS_MOST:
                return
            if all(one.is_idle() or one.is_closed() for one in pool.connections):
                del self._pools[origin]
                await pool.aclose()


class _InternalAddressError(httpcore.ConnectError):
    """A name leads to the platform's own network."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of a name that may be asked.

    Names are resolved in threads of its own: a resolver that hangs holds nobody else up.
    """

    def __init__(self, *, allow_internal: bool) -> None:
        self._allow_internal = allow_internal
        self._sockets = httpcore.AnyIOBackend()
        self._resolving = ThreadPoolExecutor(_NAMES_AT_ONCE, thread_name_prefix="names")

    def close(self) -> None:
        """Resolve no more names."""
        self._resolving.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the port is written
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a name that may be asked and answers."""
        refused: httpcore.NetworkError = httpcore.ConnectError(host)
        for address in await self._addresses(host, port):
            try:
                return await self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.NetworkError as error:
                refused = error
        raise refused

    async def _addresses(self, name: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._resolving, _resolved, name, port
        )
        allowed = [one for one in found if self._allow_internal or is_public(one)]
        if not allowed:
            raise _InternalAddressError(found[0])
        return allowed[:_ADDRESSES_TRIED]


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the Internet, however it is written."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and (inner := _carried(parsed)) is not None:
        parsed = inner
    return parsed.is_global and not parsed.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address end up at."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _resolved(name: str, port: int) -> list[str]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _target(url: str) -> httpcore.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UnreachableError("exchange.no_url", url=url) from error
    if parsed.scheme not in _SCHEMES or not parsed.host:
        raise UnreachableError("exchange.no_url", url=url)
    return httpcore.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )


async def _answer(url: str, response: httpcore.Response) -> Answer:
    content = bytearray()
    async for part in response.aiter_stream():
        content += part
        if len(content) > _ANSWER_MOST_BYTES:
            raise UnreachableError("exchange.answer_too_large", url=url, most=_ANSWER_MOST_BYTES)
    told = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    media_type = told.get(b"content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status, media_type, bytes(content), told.get(b"location", ""))
