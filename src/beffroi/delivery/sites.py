"""The sites as the page store sees them; pure."""

from collections.abc import Callable, Iterable

import msgspec

from beffroi.kernel.secrets import SealingKey, Secret
from beffroi.territory.model import Application, ApplicationKind, PageRules


class StoredSite(msgspec.Struct, frozen=True, kw_only=True):
    """One application whose pages may be stored.

    Attributes:
        static: Its files are the origin: nothing changes them but a deployment.
        purge_token_digest: SHA-256, hexadecimal, of the token that it purges with.
    """

    application: str
    organisation: str
    hosts: tuple[str, ...]
    static: bool
    rules: PageRules
    crawler_misses_per_minute: int
    purge_token_digest: str


class Sites(msgspec.Struct, frozen=True):
    """What the filler is told, in one file.

    Attributes:
        header_sets: Those that nginx knows: their answers it serves alone.
    """

    sites: tuple[StoredSite, ...]
    header_sets: frozenset[str]


def stored_sites(
    applications: Iterable[Application], token_digest: Callable[[str], str]
) -> tuple[StoredSite, ...]:
    """Return the sites of the applications, those without room for pages included.

    Args:
        applications: Of the whole territory.
        token_digest: Tells the digest of an application's purge token.
    """
    return tuple(
        StoredSite(
            application=one.name,
            organisation=one.organisation,
            hosts=one.hosts,
            static=one.kind is ApplicationKind.STATIC,
            rules=one.pages,
            crawler_misses_per_minute=one.visitors.crawler_misses_per_minute,
            purge_token_digest=token_digest(one.name),
        )
        for one in sorted(applications, key=lambda one: one.name)
    )


def purge_token(key: SealingKey, application: str) -> Secret:
    """Return the token that an application purges its pages with."""
    return key.derived(f"purge {application}")
