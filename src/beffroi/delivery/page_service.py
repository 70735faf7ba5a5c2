"""What people ask of the page store."""

import re
from typing import Final

from beffroi.delivery import page_index
from beffroi.delivery.cache_groups import TAG_CHARACTERS
from beffroi.delivery.drivers.filler_client import FillerClient
from beffroi.delivery.page_keys import page_key
from beffroi.delivery.page_model import PurgeAnswer, PurgeKind, PurgeOrder, StoredPages
from beffroi.delivery.ports import WantedTerritory
from beffroi.kernel.database import Database
from beffroi.kernel.errors import InvalidInputError, NotFoundError
from beffroi.kernel.rights.model import PLATFORM, Actor, Permission
from beffroi.territory.model import Application

# What a String of Cache-Groups may hold: RFC 9651, section 3.3.3.
_TAG: Final = re.compile(rf"[\x20-\x7e]{{1,{TAG_CHARACTERS}}}")


class PageStore:
    """Shows what is stored and has it forgotten."""

    def __init__(
        self, database: Database, territory: WantedTerritory, filler: FillerClient
    ) -> None:
        self._database = database
        self._territory = territory
        self._filler = filler

    async def purge(self, actor: Actor, name: str, order: PurgeOrder) -> PurgeAnswer:
        """Forget pages of an application; return once no stale page is shown.

        Raises:
            NotFoundError: The actor sees no such application.
            InvalidInputError: The value names no page of it.
            UnavailableError: The filler does not answer.
        """
        application = await self._declared(actor, name, Permission.HOST)
        value = _checked_value(application, order)
        purged = await self._filler.purge(
            name, application.organisation, order.kind, value, actor.name
        )
        return PurgeAnswer(purged)

    async def forget_site(self, name: str, organisation: str) -> None:
        """Forget all pages of an application, which may be no more: it has changed."""
        await self._filler.purge(name, organisation, PurgeKind.SITE, "", PLATFORM.name)

    async def stored(self, actor: Actor, name: str) -> StoredPages:
        """Tell how much of an application is stored, and what was purged lately."""
        application = await self._declared(actor, name, Permission.READ)
        async with self._database.transaction(actor.scope) as connection:
            use = await page_index.site_use(connection, name)
            purges = await page_index.recent_purges(connection, name)
        return StoredPages(
            application=name,
            pages=use.pages,
            size_bytes=use.size_bytes,
            room_bytes=application.pages.mib * 1024 * 1024,
            purges=tuple(purges),
        )

    async def _declared(self, actor: Actor, name: str, permission: Permission) -> Application:
        found = (await self._territory.current()).applications.get(name)
        if found is None or not actor.may(Permission.READ, found.organisation):
            raise NotFoundError("delivery.application_unknown", application=name)
        actor.require(permission, found.organisation)
        return found


def _checked_value(application: Application, order: PurgeOrder) -> str:
    """Return the value in the form of the index."""
    if order.kind is PurgeKind.SITE:
        return ""
    if order.kind is PurgeKind.TAG:
        if not order.value:
            raise InvalidInputError("delivery.purge_empty")
        if not _TAG.fullmatch(order.value):
            raise InvalidInputError("delivery.purge_tag_unusable", value=order.value)
        return order.value
    address = order.value.removeprefix("https://").removeprefix("http://")
    if address.startswith("/"):
        address = application.canonical_host + address
    host, _, rest = address.partition("/")
    host = host.partition(":")[0]
    key = page_key(host, f"/{rest}", application.pages)
    if host not in application.hosts or key is None:
        raise InvalidInputError(
            "delivery.purge_elsewhere", value=order.value, hosts=", ".join(application.hosts)
        )
    return f"{host}/{rest}"
