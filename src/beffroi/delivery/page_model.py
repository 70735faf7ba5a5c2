"""Pages as the index knows them, and what takes them away."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.delivery.page_keys import PageKey


class PageRow(msgspec.Struct, frozen=True, gc=False):
    """A page: its key, the answer kept for it, and until when that may be shown."""

    host: str
    path: str
    query: str
    application: str
    organisation: str
    header_set: str
    answer: str
    size_bytes: int
    stored_at: datetime
    fresh_until: datetime
    stale_while_until: datetime
    stale_error_until: datetime

    @property
    def key(self) -> PageKey:
        """Return what visitors ask for."""
        return PageKey(self.host, self.path, self.query)


class PurgeKind(StrEnum):
    """What a purge's value names."""

    URL = "url"
    PREFIX = "prefix"
    TAG = "tag"
    SITE = "site"


class Purge(msgspec.Struct, frozen=True):
    """An order to forget pages of one application.

    ``value`` is a host and a path for a URL or a prefix, a tag, or empty for the whole site. A
    URL without ``?`` means each query of its path; with it, that query alone.
    """

    id: int
    application: str
    organisation: str
    kind: PurgeKind
    value: str
    actor: str

    def matches(self, application: str, key: PageKey, tags: AbstractSet[str]) -> bool:
        """Tell whether a page is to be forgotten."""
        if application != self.application:
            return False
        match self.kind:
            case PurgeKind.URL:
                address, asked, query = self.value.partition("?")
                return key.host + key.path == address and (not asked or key.query == query)
            case PurgeKind.PREFIX:
                host, path = split_address(self.value)
                return key.host == host and key.path.startswith(path)
            case PurgeKind.TAG:
                return self.value in tags
            case PurgeKind.SITE:
                return True


class PurgeRecord(Purge, frozen=True):
    """A purge with its fate; ``done_at`` and ``pages`` are nothing while it waits."""

    requested_at: datetime
    done_at: datetime | None
    pages: int | None


class SiteUse(msgspec.Struct, frozen=True):
    """How much of an application is stored."""

    pages: int
    size_bytes: int


class PurgeOrder(msgspec.Struct, frozen=True):
    """What to forget: by URL, by prefix, by tag, or all of the site.

    Attributes:
        value: ``host/path`` or a path of the canonical host; a tag; empty for the site.
    """

    kind: PurgeKind
    value: str = ""


class PurgeAnswer(msgspec.Struct, frozen=True):
    """How many pages were forgotten."""

    purged: int


class StoredPages(msgspec.Struct, frozen=True):
    """The stored pages of an application, and its newest purges."""

    application: str
    pages: int
    size_bytes: int
    room_bytes: int
    purges: tuple[PurgeRecord, ...]


def split_address(address: str) -> tuple[str, str]:
    """Split ``host/path`` into the host and the path, which keeps its slash."""
    host, slash, path = address.partition("/")
    return host, slash + path
