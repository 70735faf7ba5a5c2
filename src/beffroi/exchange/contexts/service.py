"""What people and programs ask of @contexts.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.6 and 5.13.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from beffroi.exchange import store as entity_store
from beffroi.exchange.contexts import store
from beffroi.exchange.contexts.definitions import checked_context
from beffroi.exchange.contexts.fetching import Documents
from beffroi.exchange.contexts.model import ContextDocument, ContextKind, KeptContext
from beffroi.exchange.contexts.resolving import CORE_URL, CORE_URLS, ContextResolver, core_document
from beffroi.exchange.contexts.single_flight import SingleFlight
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.contexts.uses import UseCounter
from beffroi.exchange.errors import (
    BadRequestDataError,
    InvalidRequestError,
    LdContextNotAvailableError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Json
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, UnavailableError
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.rights.model import Actor, Permission

CONTEXTS_PATH: Final = "/ngsi-ld/v1/jsonldContexts"
CONTEXT_CHANGED: Final = "exchange.context_changed"
CORE_ID: Final = "core"
_OWN: Final = re.compile(rf"https?://[^/?#\s]+{re.escape(CONTEXTS_PATH)}/([0-9a-z]+)")
_URL: Final = re.compile(r"https?://[^/?#\s]\S*")
_URL_MOST_BYTES: Final = 2_000
_FETCHED_AT_ONCE: Final = 64
_COPIES_MOST: Final = 1_000
_UNWRITTEN_S: Final = 1.0


class Contexts:
    """The @contexts that requests name: hosted here, fetched and copied, or spelt out.

    Those hosted here are found by the id in their address, whatever the host before it: behind
    proxies the platform has many names, and ids are not to be guessed. A copy stays as it is until
    somebody has it fetched again, for what entities mean must not change by itself.

    ``run`` must be running for uses to be written. Each process has to hear of the log's events
    ``exchange.context_changed`` and call ``forget`` with their subject.

    Args:
        database: Where they are kept.
        outgoing: Fetches those that are elsewhere.
        clock: Tells when.
        public_url: The platform's address, before the path of those hosted here.
        known: Files that stand for addresses.
    """

    def __init__(
        self,
        database: Database,
        outgoing: Outgoing,
        clock: Clock,
        *,
        public_url: str,
        known: Mapping[str, Path],
    ) -> None:
        self._database = database
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._documents = Documents(outgoing, clock, known)
        self._copying = SingleFlight(self._copied)
        self._fetching = asyncio.Semaphore(_FETCHED_AT_ONCE)
        self._uses = UseCounter()
        self._resolver = ContextResolver(self._load, self._count)
        self._core = KeptContext(
            id=CORE_ID,
            kind=ContextKind.CACHED,
            name=CORE_URL,
            organisation="",
            created_at=clock.now(),
        )

    async def run(self) -> None:
        """Write uses, at most once a second, until cancelled."""
        try:
            while True:
                await self._uses.any.wait()
                await self._clock.sleep(_UNWRITTEN_S)
                await self._write_uses()
        finally:
            await self._resolver.close()
            await self._copying.close()
            await self._write_uses()

    async def resolved(self, tenant: str, given: Json | None) -> Context:
        """Return the names of what a request gives, as of ``ContextResolver``."""
        return await self._resolver.resolved(tenant, given)

    def forget(self, context_id: str) -> None:
        """Make contexts anew that were made of one that has changed."""
        self._resolver.forget(context_id)

    def url(self, kept: KeptContext) -> str:
        """Return the address of a @context."""
        return kept.name if kept.kind is ContextKind.CACHED else self._own_url(kept.id)

    async def implicit(self, tenant: str, given: Json | None) -> str:
        """Return one address for what a request gives; make it where it has none.

        Raises:
            BadRequestDataError: It is no @context.
        """
        own = _own_part(given)
        if not own:
            return CORE_URL
        if len(own) == 1 and isinstance(own[0], str):
            return own[0]
        content = {"@context": checked_context(own)}
        digest = sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
        kind = ContextKind.IMPLICITLY_CREATED
        async with self._database.transaction(EVERYTHING) as connection:
            found = await store.id_by_name(connection, tenant, kind, digest)
            if found is None:
                await entity_store.add_tenants(connection, [tenant])
                made = ContextDocument(self._new(kind, digest), content)
                found = (await store.keep_by_name(connection, tenant, made))[0].id
        return self._own_url(found)

    async def add(self, actor: Actor, tenant: str, document: Json) -> KeptContext:
        """Host a @context, for its tenant alone.

        Args:
            actor: Who gives it.
            tenant: Whose requests may name it.
            document: An object with a member ``@context``; others are dropped.

        Raises:
            InvalidRequestError: It has no such member.
            BadRequestDataError: What it holds is no @context.
        """
        actor.require(Permission.WRITE_DATA, actor.organisation)
        if not isinstance(document, dict) or "@context" not in document:
            raise InvalidRequestError("exchange.context_not_given")
        content = {"@context": checked_context(document["@context"])}
        kept = self._new(ContextKind.HOSTED, "", actor.organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            await entity_store.add_tenants(connection, [tenant])
            await store.add_context(connection, tenant, ContextDocument(kept, content))
        return kept

    async def listed(
        self, tenant: str, kinds: Sequence[ContextKind] = tuple(ContextKind)
    ) -> Sequence[KeptContext]:
        """Return the @contexts that a tenant may name, the oldest first."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = [
                self._as_used(one) for one in await store.contexts_of(connection, tenant, kinds)
            ]
        return [self._core, *found] if ContextKind.CACHED in kinds else found

    async def served(self, tenant: str, name: str) -> ContextDocument:
        """Return a @context by its id or address; that counts as a use of it.

        Raises:
            ResourceNotFoundError: The tenant may name none such.
        """
        if _is_core(name):
            return ContextDocument(self._core, dict(core_document()))
        found = await self._named(tenant, name)
        shown = self._as_used(found.kept)
        self._count([found.kept.id])
        return ContextDocument(shown, found.content)

    async def delete(self, actor: Actor, tenant: str, name: str) -> None:
        """Keep a @context no longer.

        Raises:
            ResourceNotFoundError: The tenant may name none such.
            BadRequestDataError: It is the core @context.
            ForbiddenError: Another organisation hosts it.
        """
        actor.require(Permission.WRITE_DATA, actor.organisation)
        if _is_core(name):
            raise BadRequestDataError("exchange.context_core", url=CORE_URL)
        kept = (await self._named(tenant, name)).kept
        if kept.kind is ContextKind.HOSTED:
            actor.require(Permission.WRITE_DATA, kept.organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            if not await store.forget_context(connection, kept.id):
                raise _unknown(name)
            await self._tell(connection, kept)
        self.forget(kept.id)

    async def reload(self, actor: Actor, tenant: str, name: str) -> None:
        """Fetch a copy again; where that fails, it stays as it is.

        Raises:
            BadRequestDataError: It is no copy.
            LdContextNotAvailableError: It cannot be had, or is no @context any more.
        """
        actor.require(Permission.WRITE_DATA, actor.organisation)
        if _is_core(name):
            return
        try:
            kept = (await self._named(tenant, name)).kept
        except ResourceNotFoundError as error:
            raise BadRequestDataError("exchange.context_no_copy", name=name) from error
        if kept.kind is not ContextKind.CACHED:
            raise BadRequestDataError("exchange.context_no_copy", name=name)
        try:
            content = await self._documents.document_now(kept.name)
        except BadRequestDataError as error:
            raise LdContextNotAvailableError(error.code, **error.values) from error
        await self._keep_copy(kept.name, content)

    async def _load(self, tenant: str, url: str) -> ContextDocument:
        """Return the document of an address that a @context leads to."""
        if not self._documents.knows(url):
            if (
                not _URL.fullmatch(url)
                or not url.isprintable()
                or len(url.encode()) > _URL_MOST_BYTES
            ):
                raise BadRequestDataError("exchange.no_url", url=url[:200])
            own = _OWN.fullmatch(url)
            hosted = await self._found(tenant, own[1]) if own else None
            if hosted is not None:
                return hosted
        return await self._copying.result(url)

    async def _copied(self, url: str) -> ContextDocument:
        """Return the copy of a document; fetch it where there is none."""
        if not self._documents.knows(url):
            found = await self._found("", url)
            if found is not None:
                return found
        if self._fetching.locked():
            raise LdContextNotAvailableError("exchange.contexts_busy", url=url)
        async with self._fetching:
            content = await self._documents.document(url)
        return await self._keep_copy(url, content)

    async def _keep_copy(self, url: str, content: dict[str, Json]) -> ContextDocument:
        given = ContextDocument(self._new(ContextKind.CACHED, url), content)
        async with self._database.transaction(EVERYTHING) as connection:
            kept, changed = await store.keep_by_name(connection, "", given)
            await store.forget_least_used(connection, _COPIES_MOST)
            if changed:
                await self._tell(connection, kept)
        if changed:
            self.forget(kept.id)
        return ContextDocument(kept, content)

    async def _named(self, tenant: str, name: str) -> ContextDocument:
        own = _OWN.fullmatch(name)
        found = await self._found(tenant, own[1] if own else name) if name.isprintable() else None
        if found is None:
            raise _unknown(name)
        return found

    async def _found(self, tenant: str, name: str) -> ContextDocument | None:
        async with self._database.transaction(EVERYTHING) as connection:
            return await store.context_named(connection, tenant, name)

    async def _write_uses(self) -> None:
        uses = self._uses.taken()
        if not uses:
            return
        try:
            async with self._database.transaction(EVERYTHING) as connection:
                await store.add_uses(connection, uses)
        except (ConflictError, UnavailableError):
            self._uses.give_back(uses)

    async def _tell(self, connection: Connection, kept: KeptContext) -> None:
        body = {"kind": kept.kind, "url": self.url(kept)}
        await append(connection, Event(CONTEXT_CHANGED, kept.id, kept.organisation, body))

    def _count(self, ids: Iterable[str]) -> None:
        self._uses.add(ids, self._clock.now())

    def _as_used(self, kept: KeptContext) -> KeptContext:
        unwritten = self._uses.of(kept.id)
        if unwritten is None:
            return kept
        return msgspec.structs.replace(
            kept, hits=kept.hits + unwritten.hits, last_used_at=unwritten.last_at
        )

    def _new(self, kind: ContextKind, name: str, organisation: str = "") -> KeptContext:
        now = self._clock.now()
        return KeptContext(
            id=new_id(now), kind=kind, name=name, organisation=organisation, created_at=now
        )

    def _own_url(self, context_id: str) -> str:
        return f"{self._public_url}{CONTEXTS_PATH}/{context_id}"


def _own_part(given: Json) -> list[Json]:
    """Return what counts of a @context beside the core: what follows the last null."""
    ones = given if isinstance(given, list) else [given]
    if None in ones:
        ones = ones[len(ones) - ones[::-1].index(None) :]
    return [one for one in ones if not (isinstance(one, str) and one in CORE_URLS)]


def _is_core(name: str) -> bool:
    return name == CORE_ID or name in CORE_URLS


def _unknown(name: str) -> ResourceNotFoundError:
    return ResourceNotFoundError("exchange.context_unknown", name=name)
