"""Whether an answer may be stored, for how long, and what another answer makes stale; pure.

The store is a shared cache (RFC 9111) that the origin's own owner runs: what RFC 9213 calls a
targeted cache, and Edge Architecture a surrogate.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from beffroi.delivery.cache_directives import (
    YEAR_S,
    Headers,
    age_s,
    directives,
    expiry_s,
    members_of,
    values_of,
)
from beffroi.delivery.cache_groups import has_unusable_tags, told_tags
from beffroi.delivery.page_keys import PageKey, page_key, target
from beffroi.territory.model import PageRules

# What RFC 5861 leaves to the cache when the answer is silent: a minute hides a refill from
# visitors, a day bridges an origin's night.
_STALE_WHILE_REVALIDATE_S: Final = 60
_STALE_IF_ERROR_S: Final = 86_400
# A nonce of WordPress is good for 12 hours at least, tokens elsewhere mostly for a session.
_TOKEN_LIFE_S: Final = 3_600
# RFC 9110, section 15.1, without 206 and 300; 302 and 307 need an explicit life (RFC 9111, 3).
_BY_EXPLICIT_LIFE: Final = frozenset({200, 203, 204, 301, 302, 307, 308, 404, 405, 410, 414, 501})
_BY_RULE: Final = frozenset({200, 301, 308, 404, 410})
_TARGETED: Final = ("cdn-cache-control", "surrogate-control")
_CONTROLS: Final = (*_TARGETED, "cache-control")
# Methods that change nothing, as IANA's registry has them; an unknown one may (RFC 9111, 4.4).
_SAFE_METHODS: Final = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY", "PRI"}
)
# How forms and scripts carry what proves that a visitor asked: Django, Rails, Laravel, Symfony,
# WordPress, ASP.NET, Drupal, TYPO3, Content-Security-Policy.
_TOKEN_MARKS: Final = (
    b"csrfmiddlewaretoken",
    b"authenticity_token",
    b"csrf-token",
    b"csrf_token",
    b"csrfToken",
    b'name="_token"',
    b"[_token]",
    b"_wpnonce",
    b'nonce"',
    b"nonce=",
    b"__RequestVerificationToken",
    b"form_build_id",
    b"form_token",
    b"__trustedProperties",
)
# Each mark holds one of these: a page without them is read five times instead of fourteen.
_TOKEN_ROOTS: Final = (b"oken", b"csrf", b"nonce", b"form_build_id", b"__trustedProperties")


class OriginAnswer(msgspec.Struct, frozen=True):
    """Status and headers of an answer; names in lower case, in order, some told repeatedly."""

    status: int
    headers: tuple[tuple[str, str], ...]


class Life(msgspec.Struct, frozen=True, gc=False):
    """How long an answer serves.

    Attributes:
        fresh_s: While it serves without a question.
        stale_while_revalidate_s: After that, while it serves as the origin is asked.
        stale_if_error_s: After its freshness, while it serves as the origin fails.
        must_revalidate: Whether the origin forbids to serve it stale.
    """

    fresh_s: int
    stale_while_revalidate_s: int
    stale_if_error_s: int
    must_revalidate: bool


class Storable(msgspec.Struct, frozen=True):
    """An answer may be stored, under these tags."""

    life: Life
    tags: frozenset[str]


class NotStorable(msgspec.Struct, frozen=True):
    """An answer may not be stored; the reason is a stable word for Cache-Status."""

    reason: str


class _Told(msgspec.Struct, frozen=True):
    """What the answer says of its life.

    Attributes:
        directives: Those of the header that counts for this cache.
        targeted: Whether that header speaks to caches like this one alone.
        fresh_s: Nothing when no life is told.
    """

    directives: Mapping[str, int]
    targeted: bool
    fresh_s: int | None


def judged(answer: OriginAnswer, rules: PageRules) -> Storable | NotStorable:
    """Tell whether an answer to an anonymous GET may be stored, and its life.

    Args:
        answer: The origin's.
        rules: Those of the application; their life counts for answers that tell nothing.
    """
    told = _told(answer.headers)
    reason = _refusal(answer) or _refused_life(answer, told, rules)
    if reason:
        return NotStorable(reason)
    fresh_s = (rules.life_s if told.fresh_s is None else told.fresh_s) - age_s(answer.headers)
    if fresh_s <= 0:
        return NotStorable("no-life")
    return Storable(_life(min(fresh_s, YEAR_S), told.directives), told_tags(answer.headers))


def _refusal(answer: OriginAnswer) -> str:
    """Name what forbids to store an answer whatever its life; empty when nothing does."""
    names = {name for name, _ in answer.headers}
    forbidden = {name: directives(values_of(answer.headers, name)) for name in _CONTROLS}
    checks = {
        "status": answer.status not in _BY_EXPLICIT_LIFE,
        "set-cookie": not names.isdisjoint({"set-cookie", "set-cookie2"}),
        # A targeted header would override these (RFC 9213, section 2.2); an application that
        # says them anywhere has somebody's page in mind, and a leak costs more than a miss.
        "no-store": any("no-store" in one for one in forbidden.values()),
        "private": any("private" in one for one in forbidden.values()),
        "range": "content-range" in names,
        "clear-site-data": "clear-site-data" in names,
        # The store compresses by itself and keeps no coding of others.
        "encoding": not {"identity"}.issuperset(members_of(answer.headers, "content-encoding")),
        "tags": has_unusable_tags(answer.headers),
    }
    return next((reason for reason, holds in checks.items() if holds), "")


def _refused_life(answer: OriginAnswer, told: _Told, rules: PageRules) -> str:
    """Name what in its life forbids to store an answer; empty when nothing does."""
    if "no-cache" in told.directives or _is_by_pragma(answer.headers):
        return "no-cache"
    if not _honours_vary(answer.headers, told, rules):
        return "vary"
    if told.fresh_s is None and not rules.life_s:
        return "no-life"
    if told.fresh_s is None and answer.status not in _BY_RULE:
        return "status"
    return ""


def _told(headers: Headers) -> _Told:
    """Read the life from the header that counts: the most targeted that says anything."""
    found = {name: directives(_plain(name, values_of(headers, name))) for name in _CONTROLS}
    for name in _TARGETED:
        if found[name]:
            return _Told(found[name], targeted=True, fresh_s=_fresh_s(found[name], None))
    control = found["cache-control"]
    return _Told(control, targeted=False, fresh_s=_fresh_s(control, expiry_s(headers)))


def _plain(name: str, values: list[str]) -> list[str]:
    """Leave the extension out of ``max-age=3600+600`` (Edge Architecture, section 2.2)."""
    return [one.partition("+")[0] for one in values] if name == "surrogate-control" else values


def _fresh_s(found: Mapping[str, int], expiry: int | None) -> int | None:
    """Choose the life, as RFC 9111, section 4.2.1 orders them.

    ``public`` alone tells that a cache may keep the answer, not how long: the site's own rule may
    complete it. Any other directive without a life asks for more care than that.
    """
    told = found.get("s-maxage", found.get("max-age", expiry))
    if told is None and not found.keys() <= {"public", "no-transform"}:
        return 0
    return told


def _is_by_pragma(headers: Headers) -> bool:
    """Tell whether an answer forbids storage as in HTTP/1.0, where it says nothing newer."""
    said = any(name in _CONTROLS for name, _ in headers)
    return not said and "no-cache" in members_of(headers, "pragma")


def _honours_vary(headers: Headers, told: _Told, rules: PageRules) -> bool:
    """Tell whether all visitors of the store would get this answer from the origin.

    The store compresses by itself, hence Accept-Encoding. It answers only requests without a
    cookie that counts, all of them alike, so that Vary: Cookie tells nothing new: Django says it
    on each page that looked for a session. But a site that lists ignored cookies may have listed
    one that the origin does read; and an answer made for browsers alone (max-age, without public
    or s-maxage) may mean the visitor's own: there the site must have set a life of its own.
    """
    names = {*members_of(headers, "vary")} - {"accept-encoding"}
    if not names:
        return True
    for_all = told.targeted or not {"public", "s-maxage"}.isdisjoint(told.directives)
    return names == {"cookie"} and not rules.ignored_cookies and (for_all or rules.life_s > 0)


def _life(fresh_s: int, found: Mapping[str, int]) -> Life:
    """Complete a life by how long the answer may serve stale.

    s-maxage means proxy-revalidate too (RFC 9111, section 5.2.2.10), hence no stale answer by
    default; one that also tells a stale life (RFC 5861) allows exactly that one.
    """
    strict = not found.keys().isdisjoint({"must-revalidate", "proxy-revalidate"})
    silent = found.keys().isdisjoint({"stale-while-revalidate", "stale-if-error"})
    if strict or ("s-maxage" in found and silent):
        return Life(fresh_s, 0, 0, must_revalidate=True)
    usual = (0, 0) if "s-maxage" in found else (_STALE_WHILE_REVALIDATE_S, _STALE_IF_ERROR_S)
    return Life(
        fresh_s,
        found.get("stale-while-revalidate", usual[0]),
        found.get("stale-if-error", usual[1]),
        must_revalidate=False,
    )


def capped_for_tokens(life: Life, body: bytes) -> Life:
    """Shorten the life of a page with a token or nonce, which its origin refuses when too old.

    Args:
        life: That of the answer.
        body: The page, not compressed.
    """
    if not any(root in body for root in _TOKEN_ROOTS):
        return life
    if not any(mark in body for mark in _TOKEN_MARKS):
        return life
    return msgspec.structs.replace(
        life, fresh_s=min(life.fresh_s, _TOKEN_LIFE_S), stale_while_revalidate_s=0
    )


def invalidated_by(
    method: str, answer: OriginAnswer, key: PageKey, rules: PageRules
) -> frozenset[PageKey]:
    """Return the pages that an answer makes stale (RFC 9111, section 4.4).

    A change that the origin took makes stale what was asked, and what Location and
    Content-Location name on the same host.

    Args:
        method: That of the request.
        answer: The origin's.
        key: Of what was asked.
        rules: Those of the application.
    """
    if method in _SAFE_METHODS or not 200 <= answer.status < 400:
        return frozenset()
    named = (
        _named(value, key, rules)
        for name in ("location", "content-location")
        for value in values_of(answer.headers, name)
    )
    return frozenset({key, *(one for one in named if one is not None)})


def _named(reference: str, key: PageKey, rules: PageRules) -> PageKey | None:
    """Resolve a reference that an answer holds; nothing when it leaves the host of the answer."""
    try:
        told = urlsplit(urljoin(f"https://{key.host}{target(key)}", reference.strip()))
        host = told.hostname
    except ValueError:
        return None
    if told.scheme not in {"http", "https"} or host != key.host:
        return None
    return page_key(key.host, f"{told.path or '/'}?{told.query}", rules)
