"""Requests to addresses that others chose: never to the platform's own network, never for long."""

import asyncio
import logging
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import BinaryIO, Final, Self

import aiohttp
import httpx
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import is_ip_address
from yarl import URL

from beffroi.exchange.errors import ExchangeError
from beffroi.kernel.units import MIB

_logger = logging.getLogger(__name__)
_ANSWER_MOST_BYTES: Final = MIB
_OK: Final = 200
_SCHEMES: Final = frozenset({"http", "https"})
_CONNECTIONS_MOST: Final = 64
"""To one origin."""
_KEPT_S: Final = 30.0
_NAMES_AT_ONCE: Final = 16
_ADDRESSES_TRIED: Final = 4
_SOCKET_ADDRESS: Final = re.compile(r" ?\('[^']*', \d+[^)]*\)")
# Source: RFC 6052, section 2.1: IPv4 addresses as a translator shows them.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class UnreachableError(ExchangeError):
    """An address that others chose does not answer as it should, or may not be asked."""

    status = 502


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        location: Where a redirect leads to, as it was written.
        headers: By names in small letters.
    """

    status: int
    media_type: str
    content: bytes
    location: str = ""
    headers: Mapping[str, str] = {}


class Outgoing:
    """Asks addresses that others chose.

    A name is resolved once a connection, its addresses are looked at, and one of those is asked:
    what the name says a moment later changes nothing. Redirects are answers, and are not followed.

    Args:
        allow_internal: Also ask loopback, private and link-local addresses.
    """

    def __init__(self, *, allow_internal: bool) -> None:
        self._names = _CheckedNames(allow_internal=allow_internal)
        self._encryption = httpx.create_ssl_context()
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close connections that are kept."""
        if self._opened is not None:
            await self._opened.close()
        await self._names.close()

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
        body = _Body(url, _ANSWER_MOST_BYTES)
        answer = await self._exchange(method, url, headers, within_s, content, body)
        return msgspec.structs.replace(answer, content=bytes(body.content))

    async def download(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        within_s: float,
        into: BinaryIO,
        most_bytes: int,
    ) -> Answer:
        """Write what an address holds to a file; return the answer without it.

        Args:
            url: Where to; http or https.
            headers: Sent with it.
            within_s: All of it, name resolution included.
            into: Where what comes with status 200 is written.
            most_bytes: What it may have.

        Raises:
            UnreachableError: As of ``ask``, for an answer that is larger than that.
        """
        body = _Body(url, most_bytes, into)
        return await self._exchange("GET", url, headers, within_s, b"", body)

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        within_s: float,
        content: bytes,
        body: "_Body",
    ) -> Answer:
        target = _target(url)
        try:
            self._names.refuse_internal(target.host or "")
            async with (
                asyncio.timeout(within_s),
                self._session.request(
                    method,
                    target,
                    headers={"Accept-Encoding": "identity", **headers},
                    data=content or None,
                    allow_redirects=False,
                ) as response,
            ):
                return await _answer(response, body)
        except TimeoutError as error:
            raise UnreachableError(
                "exchange.no_answer_in_time", url=url, seconds=within_s
            ) from error
        except _InternalAddressError as error:
            raise _internal(url, error) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _no_answer(url, error) from error

    async def address_of(self, host: str, within_s: float = 10.0) -> str:
        """Return an address of a name, to connect to in another way than by HTTP.

        Raises:
            UnreachableError: The name is not known, or leads to the platform's own network.
        """
        try:
            async with asyncio.timeout(within_s):
                return (await self._names.addresses(host, 0))[0]
        except TimeoutError as error:
            raise UnreachableError(
                "exchange.no_answer_in_time", url=host, seconds=within_s
            ) from error
        except _InternalAddressError as error:
            raise _internal(host, error) from error
        except OSError as error:
            raise _no_answer(host, error) from error

    async def connected(
        self, host: str, port: int, url: str, *, is_encrypted: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a port of a name, where it may be; ``url`` is what messages call it.

        Raises:
            UnreachableError: Nothing answers, or it may not be asked.
        """
        encryption = self._encryption if is_encrypted else None
        refused: OSError = OSError(host)
        try:
            for address in await self._names.addresses(host, port):
                try:
                    return await asyncio.open_connection(
                        address, port, ssl=encryption, server_hostname=host if encryption else None
                    )
                except OSError as error:
                    refused = error
        except _InternalAddressError as error:
            raise _internal(url, error) from error
        except OSError as error:
            refused = error
        raise _no_answer(url, refused) from refused

    @property
    def _session(self) -> aiohttp.ClientSession:
        """Return the connections that are kept; each name is resolved anew for a new one."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    limit_per_host=_CONNECTIONS_MOST,
                    keepalive_timeout=_KEPT_S,
                    use_dns_cache=False,
                    resolver=self._names,
                    ssl=self._encryption,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Content-Type"),
                timeout=aiohttp.ClientTimeout(),
            )
        return self._opened


class _InternalAddressError(Exception):
    """A name leads to the platform's own network."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(host, address)
        self.host = host
        self.address = address


def _internal(url: str, error: _InternalAddressError) -> UnreachableError:
    """Refuse an address of the own network; where it leads is for the operator alone."""
    _logger.warning("outgoing host=%s refused: it leads to %s", error.host, error.address)
    return UnreachableError("exchange.address_internal", url=url)


def _no_answer(url: str, error: Exception) -> UnreachableError:
    """Tell why nothing answers, without the address that the name stands for."""
    reason = _SOCKET_ADDRESS.sub("", str(error)) or type(error).__name__
    return UnreachableError("exchange.no_answer", url=url, reason=reason)


class _CheckedNames(AbstractResolver):
    """Tells the addresses of a name that may be asked.

    Names are resolved in threads of its own: a resolver that hangs holds nobody else up.
    """

    def __init__(self, *, allow_internal: bool) -> None:
        self._allow_internal = allow_internal
        self._resolving = ThreadPoolExecutor(_NAMES_AT_ONCE, thread_name_prefix="names")

    async def close(self) -> None:
        """Resolve no more names."""
        self._resolving.shutdown(wait=False, cancel_futures=True)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - as the port is written
    ) -> list[ResolveResult]:
        """Return the addresses of a name that may be asked, as the connector takes them."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self.addresses(host, port)
        ]

    def refuse_internal(self, host: str) -> None:
        """Refuse an address that stands for itself, or is written as few do: 127.1.

        Whatever the connector takes for an address it asks no resolver of.
        """
        if self._allow_internal or not is_ip_address(host):
            return
        try:
            public = is_public(host)
        except ValueError:
            public = False
        if not public:
            raise _InternalAddressError(host, host)

    async def addresses(self, name: str, port: int) -> list[str]:
        """Return the addresses of a name that may be asked."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._resolving, _resolved, name, port
        )
        allowed = [one for one in found if self._allow_internal or is_public(one)]
        if not allowed:
            raise _InternalAddressError(name, found[0])
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


@lru_cache(maxsize=4_096)
def _target(url: str) -> URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UnreachableError("exchange.no_url", url=url) from error
    if parsed.scheme not in _SCHEMES or not parsed.host:
        raise UnreachableError("exchange.no_url", url=url)
    return URL(str(parsed), encoded=True)


class _Body:
    """Takes what comes back, as far as it may.

    Args:
        url: Where from.
        most_bytes: What it may have.
        into: Where what comes with status 200 is written; nothing: all is held.
    """

    def __init__(self, url: str, most_bytes: int, into: BinaryIO | None = None) -> None:
        self.content = bytearray()
        self._url = url
        self._most = most_bytes
        self._into = into
        self._came = 0

    def take(self, status: int, part: bytes) -> None:
        """Take a part."""
        self._came += len(part)
        if self._came > self._most:
            raise UnreachableError("exchange.answer_too_large", url=self._url, most=self._most)
        if self._into is None:
            self.content += part
        elif status == _OK:
            self._into.write(part)


async def _answer(response: aiohttp.ClientResponse, body: _Body) -> Answer:
    async for part in response.content.iter_any():
        body.take(response.status, part)
    told = {name.lower(): value for name, value in response.headers.items()}
    media_type = told.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status, media_type, b"", told.get("location", ""), told)
