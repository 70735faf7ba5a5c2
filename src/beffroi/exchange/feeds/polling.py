"""Asking an address what it holds: only if it changed, page by page, never too much."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import msgspec

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.feeds.declared import DeclaredPoll, FeedFormat
from beffroi.exchange.feeds.formats.json_rows import DOCUMENT_MOST
from beffroi.exchange.feeds.reading import format_of
from beffroi.exchange.outgoing import Answer, Outgoing
from beffroi.kernel.units import MIB

_WITHIN_S: Final = 120.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MOST: Final = 5
_OK, _NOT_MODIFIED = 200, 304
_PORTS: Final = {"http": 80, "https": 443}
_NEXT_LINK: Final = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?')
_BY_MEDIA_TYPE: Final[Mapping[str, FeedFormat]] = {
    "application/json": FeedFormat.JSON,
    "application/geo+json": FeedFormat.GEOJSON,
    "application/xml": FeedFormat.XML,
    "text/xml": FeedFormat.XML,
    "text/csv": FeedFormat.CSV,
}
_PAGED: Final = frozenset(
    {
        FeedFormat.JSON,
        FeedFormat.HUBEAU_STATIONS,
        FeedFormat.HUBEAU_OBSERVATIONS,
        FeedFormat.SENSORTHINGS,
    }
)


class PollFailedError(ExchangeError):
    """An address that a feed asks answers otherwise than it should."""

    status = 502


class Validators(msgspec.Struct, frozen=True):
    """What tells whether an address holds something else than last time.

    Attributes:
        url: The address that they were given for.
    """

    url: str = ""
    etag: str = ""
    modified: str = ""

    def headers(self, url: str) -> Mapping[str, str]:
        """Return what asks for news alone."""
        if url != self.url:
            return {}
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in told.items() if value}


class Page(msgspec.Struct, frozen=True):
    """A part of what an address holds, on disk until the next is asked for.

    Attributes:
        validators: What the first page came with.
    """

    file: Path
    format: FeedFormat
    validators: Validators


class _Links(msgspec.Struct):
    """Where the next page is, as Hub'Eau and SensorThings say it."""

    following: Any = msgspec.field(name="next", default=None)
    iot: Any = msgspec.field(name="@iot.nextLink", default=None)


class Poll:
    """Asks one address.

    Args:
        declared: How.
        told_format: How its answers are written.
        headers: Sent to its origin alone, secrets filled in.
        outgoing: Asks.
        within_s: For each page.
    """

    def __init__(
        self,
        declared: DeclaredPoll,
        told_format: FeedFormat,
        headers: Mapping[str, str],
        outgoing: Outgoing,
        within_s: float = _WITHIN_S,
    ) -> None:
        self._declared = declared
        self._within_s = within_s
        self._format = told_format
        self._headers = headers
        self._outgoing = outgoing

    async def pages(self, seen: Validators) -> AsyncGenerator[Page, None]:
        """Give what is new; nothing where nothing changed since.

        Raises:
            UnreachableError: It does not answer, or may not be asked, or holds too much.
            PollFailedError: It answers otherwise than it should, or has pages without end.
        """
        url, visited, validators = self._declared.url, set[str](), Validators()
        with TemporaryDirectory(prefix="beffroi-poll-") as folder:
            while url and url not in visited:
                if len(visited) == self._declared.pages_most:
                    most = self._declared.pages_most
                    raise PollFailedError("exchange.feed_pages_most", url=url, most=most)
                file = Path(folder, f"page-{len(visited) + 1}")
                answer = await self._downloaded(url, file, seen)
                if answer.status == _NOT_MODIFIED:
                    return
                if not visited:
                    validators = Validators(
                        self._declared.url,
                        answer.headers.get("etag", ""),
                        answer.headers.get("last-modified", ""),
                    )
                visited.add(url)
                found = self._format_of(url, answer)
                following = await asyncio.to_thread(self._following, url, answer, file, found)
                yield Page(file, found, validators)
                file.unlink()
                url = following

    async def _downloaded(self, url: str, file: Path, seen: Validators) -> Answer:
        """Download a page; redirects are followed, each address being looked at anew."""
        address = url
        for _ in range(_REDIRECTS_MOST + 1):
            own = self._headers if _may_see_headers(address, self._declared.url) else {}
            with file.open("wb") as into:
                answer = await self._outgoing.download(
                    address,
                    headers={**own, **seen.headers(url)},
                    within_s=self._within_s,
                    into=into,
                    most_bytes=self._declared.size_most_mib * MIB,
                )
            if answer.status in (_OK, _NOT_MODIFIED):
                return answer
            if answer.status not in _REDIRECTS or not answer.location:
                status = answer.status
                raise PollFailedError("exchange.feed_answer_status", url=address, code=status)
            address = urljoin(address, answer.location)
        raise PollFailedError("exchange.feed_redirects_most", url=url, most=_REDIRECTS_MOST)

    def _format_of(self, url: str, answer: Answer) -> FeedFormat:
        if self._format is not FeedFormat.AUTO:
            return self._format
        told = _BY_MEDIA_TYPE.get(answer.media_type)
        return told or format_of(FeedFormat.AUTO, urlsplit(url).path)

    def _following(self, url: str, answer: Answer, file: Path, found: FeedFormat) -> str:
        """Return the address of the next page; nothing where this is the last one."""
        told: Any = None
        if (linked := _NEXT_LINK.search(answer.headers.get("link", ""))) is not None:
            told = linked[1]
        elif found in _PAGED:
            told = _linked_inside(file)
        if not isinstance(told, str) or not told:
            return ""
        following = urljoin(url, told)
        if not _same_host(following, url):
            raise PollFailedError("exchange.feed_page_elsewhere", url=url, next=following)
        return following


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).hostname == urlsplit(other).hostname


def _may_see_headers(address: str, declared: str) -> bool:
    """Tell whether an address may get the headers of another: its own origin, or that encrypted."""
    one, other = urlsplit(address), urlsplit(declared)
    if one.hostname != other.hostname:
        return False
    ports = [split.port or _PORTS.get(split.scheme) for split in (one, other)]
    if one.scheme == other.scheme:
        return ports[0] == ports[1]
    return (one.scheme, *ports) == ("https", _PORTS["https"], _PORTS["http"])


def _linked_inside(file: Path) -> Any:  # noqa: ANN401 - JSON
    if file.stat().st_size > DOCUMENT_MOST:
        return None
    try:
        links = msgspec.json.decode(file.read_bytes(), type=_Links)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError):
        # What is wrong with the page is told by who reads its rows.
        return None
    return links.iot or links.following
