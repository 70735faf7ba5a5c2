"""The method PURGE: applications, with their token, and the platform have pages forgotten."""

from hashlib import sha256
from typing import Final

from beffroi.delivery.cache_groups import told_tags
from beffroi.delivery.filler.asked import Asked
from beffroi.delivery.filler.filling import Filling
from beffroi.delivery.filler.protocol import PLATFORM_DOOR, Purged, Refusal
from beffroi.delivery.filler.purging import Purging
from beffroi.delivery.filler.replies import Replies
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.page_keys import page_key
from beffroi.delivery.page_model import PurgeKind
from beffroi.delivery.sites import StoredSite
from beffroi.kernel.errors import BeffroiError
from beffroi.territory.model import PageRules

_BEARER: Final = "bearer "
Orders = list[tuple[PurgeKind, str]]


class PurgeDoor:
    """Reads purges as HTTP tells them."""

    def __init__(self, sites: SiteList, purging: Purging, filling: Filling) -> None:
        self._sites = sites
        self._purging = purging
        self._filling = filling

    async def purge(self, asked: Asked, replies: Replies) -> None:
        """Purge what a request names and answer how many pages went."""
        site = self._asking_site(asked)
        if site is None:
            replies.tell(401, Refusal("A purge needs «Authorization: Bearer TOKEN»."))
            return
        orders = _orders(asked, site)
        if not orders:
            replies.tell(
                404, Refusal(f"{asked.host}{asked.target} is no page of this application.")
            )
            return
        actor = asked.header("x-purge-actor") if asked.door == PLATFORM_DOOR else "application"
        try:
            count = await self._purging.purge(site.application, site.organisation, orders, actor)
        except BeffroiError as error:
            replies.tell(503, Refusal(str(error)))
            return
        self._filling.forget_reasons(frozenset(site.hosts))
        replies.tell(200, Purged(count))

    def _asking_site(self, asked: Asked) -> StoredSite | None:
        if asked.door == PLATFORM_DOOR:
            return self._sites.of_application(asked.header("x-purge-application")) or _gone(asked)
        given = asked.header("authorization")
        if not given.lower().startswith(_BEARER):
            return None
        token = given[len(_BEARER) :].strip()
        return self._sites.of_token(sha256(token.encode()).hexdigest())


def _gone(asked: Asked) -> StoredSite:
    """Return a site that the territory no longer names, for its last purge."""
    return StoredSite(
        application=asked.header("x-purge-application"),
        organisation=asked.header("x-purge-organisation"),
        hosts=(),
        static=True,
        rules=PageRules(),
        crawler_misses_per_minute=0,
        purge_token_digest="",
    )


def _orders(asked: Asked, site: StoredSite) -> Orders:
    """Return what a request wants purged: tags, else all of the site, else addresses."""
    tags = told_tags(asked.headers)
    if tags:
        return [(PurgeKind.TAG, tag) for tag in sorted(tags)]
    wanted = asked.header("beffroi-purge").strip().lower()
    if wanted == PurgeKind.SITE:
        return [(PurgeKind.SITE, "")]
    if asked.host not in site.hosts:
        return []
    key = page_key(asked.host, asked.target, site.rules)
    if key is None:
        return []
    if wanted == PurgeKind.PREFIX:
        return [(PurgeKind.PREFIX, f"{key.host}{key.path}")]
    query = f"?{key.query}" if key.query else ""
    return [(PurgeKind.URL, f"{key.host}{key.path}{query}")]
