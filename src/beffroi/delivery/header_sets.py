"""Status and headers that stored answers are given by nginx, shared by those alike; pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from beffroi.delivery.cache_directives import Headers, members_of, values_of
from beffroi.delivery.storability import OriginAnswer

_DIGEST_CHARACTERS: Final = 12
_VALUE_CHARACTERS: Final = 4096
_CONFIGURED_APART: Final = ("content-type", "location")
# What belongs to one connection, one transfer or one answer, or what nginx says itself for a file.
_DROPPED: Final = frozenset(
    {
        # RFC 9110, section 7.6.1: one connection alone.
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization"),
        # The body as it was sent; its variants differ.
        *("content-length", "content-encoding", "content-md5", "digest", "content-digest"),
        *("repr-digest", "etag", "last-modified", "accept-ranges", "content-range", "vary"),
        # The moment of the answer. What Expires said is in the life that the store keeps.
        *("date", "age", "expires", "warning", "pragma"),
        # For one visitor, or for caches.
        *("set-cookie", "set-cookie2", "clear-site-data", "authentication-info"),
        "content-location",
        *("cache-groups", "cache-group-invalidation", "cdn-cache-control", "cache-status"),
        *("xkey", "cache-tag", "via", "x-cache", "x-cache-hits", "x-varnish", "x-served-by"),
        *("x-drupal-cache", "x-drupal-dynamic-cache"),
        # How the origin made this very answer: unlike each time, of use to nobody later.
        *("server", "server-timing", "x-runtime", "x-powered-by", "x-request-id"),
        *("x-correlation-id", "x-trace-id", "traceparent", "tracestate"),
        *("x-response-time", "x-process-time", "x-debug-token", "x-debug-token-link"),
        # nginx adds its own.
        *("alt-svc", "strict-transport-security", "x-content-type-options"),
    }
)
_DROPPED_PREFIXES: Final = (
    *("surrogate-", "x-accel-", "x-beffroi-", "x-forwarded-", "transfer-", "x-drupal-cache-"),
    *("ratelimit", "x-ratelimit-"),
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# Visible ASCII, blanks and tabs: RFC 9110, section 5.5; other bytes have no agreed meaning.
_WRITABLE: Final = re.compile(rf"[\t\x20-\x7e]{{0,{_VALUE_CHARACTERS}}}")
# nginx reads a type as a word of its configuration, without variables.
_CONTENT_TYPE: Final = re.compile(
    r"(?:[a-z0-9!#&^_.+-]+/[a-z0-9!#&^_.+-]+(?:[\t ]*;[\t\x20-#%-~]*)?)?", re.IGNORECASE
)
# WordPress names each page's short link and its JSON in a header, as in the page itself; with
# them no two pages would have the same headers.
_LINK: Final = re.compile(r"""\s*(<[^>]*>(?:[^,"]|"[^"]*")*)(?:,|$)""")
_LINK_OF_ONE_PAGE: Final = re.compile(
    r"""rel="?(?:shortlink"?|alternate"?.*type="?application/json)""", re.IGNORECASE
)


class HeaderSet(msgspec.Struct, frozen=True):
    """What nginx answers beside the body.

    Attributes:
        digest: 12 hexadecimal digits of the SHA-256 of the rest.
        content_type: Empty when the answer has none.
        headers: By name, in lower case, each name once.
        location: Empty when the answer has none.
    """

    digest: str
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    location: str


class NumberedSet(msgspec.Struct, frozen=True):
    """A header set under the number that the dates of its answers' files carry."""

    number: int
    header_set: HeaderSet

    @property
    def name(self) -> str:
        """Return the number as three hexadecimal digits."""
        return f"{self.number:03x}"


def header_set(answer: OriginAnswer) -> HeaderSet | None:
    """Return what is kept of an answer's headers.

    An answer that says nothing to browsers is kept with ``no-cache``: files of nginx have a date
    of change, of which browsers would guess a life (RFC 9111, section 4.2.2) that no purge ends.

    Returns:
        The set, or nothing when nginx's configuration cannot hold one of its values, or the answer
        has several types or targets.
    """
    if any(len(set(values_of(answer.headers, name))) > 1 for name in _CONFIGURED_APART):
        return None
    joined = _joined(answer.headers)
    apart = {name: joined.pop(name, "") for name in _CONFIGURED_APART}
    joined.setdefault("cache-control", "no-cache")
    kept = tuple(sorted(joined.items()))
    texts = (*apart.values(), *(value for _, value in kept))
    if not all(_WRITABLE.fullmatch(text) for text in texts):
        return None
    if not all(_NAME.fullmatch(name) for name, _ in kept):
        return None
    if not _CONTENT_TYPE.fullmatch(apart["content-type"]):
        return None
    encoded = msgspec.json.encode((answer.status, apart, kept))
    return HeaderSet(
        digest=sha256(encoded).hexdigest()[:_DIGEST_CHARACTERS],
        status=answer.status,
        content_type=apart["content-type"],
        headers=kept,
        location=apart["location"],
    )


def nginx_value(text: str) -> str:
    r"""Quote a value of one of nginx's maps.

    ``\`` and ``"`` are escaped; ``$`` has no escape and is told by the variable ``$dollar``, which
    the configuration defines.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}")
    return f'"{escaped}"'


def configured_headers(sets: Iterable[NumberedSet]) -> Mapping[str, Mapping[str, str]]:
    """Return each header's value per name of the sets that have it, in a stable order."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for one in sorted(sets, key=lambda one: one.number):
        for name, value in one.header_set.headers:
            found[name][one.name] = value
    return dict(sorted(found.items()))


def _joined(headers: Headers) -> dict[str, str]:
    """Join what is kept, each name once (RFC 9110, section 5.3)."""
    dropped = _DROPPED.union(members_of(headers, "connection"))
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name, value in headers:
        text = _shared_links(value) if name == "link" else value.strip(" \t")
        if text and name not in dropped and not name.startswith(_DROPPED_PREFIXES):
            found[name][text] = None
    return {name: ", ".join(values) for name, values in found.items()}


def _shared_links(value: str) -> str:
    links = _LINK.findall(value)
    return ", ".join(one.strip() for one in links if not _LINK_OF_ONE_PAGE.search(one))
