"""From what a request gives as its @context to the names it stands for."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.resources import files
from typing import Final
from urllib.parse import urljoin

import msgspec

from beffroi.exchange.contexts.definitions import unreadable
from beffroi.exchange.contexts.model import ContextDocument
from beffroi.exchange.contexts.single_flight import SingleFlight
from beffroi.exchange.contexts.terms import Context, read_terms
from beffroi.exchange.errors import BadRequestDataError, LdContextNotAvailableError
from beffroi.exchange.model import Json

CORE_URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
CORE_URLS: Final = frozenset(
    f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
    for version in ("", *(f"-v1.{number}" for number in range(3, 10)))
)
_CORE_FILE: Final = "ngsi-ld-core-context-v1.9.jsonld"
_WITHIN_S: Final = 1.8
_DEPTH_MOST: Final = 16
_DOCUMENTS_MOST: Final = 64
_TERMS_MOST: Final = 50_000
_KEPT_TERMS_MOST: Final = 500_000

_Key = tuple[str, bytes]

Load = Callable[[str, str], Awaitable[ContextDocument]]
"""Returns the document of a tenant's URL; raises LdContextNotAvailableError."""

Used = Callable[[Iterable[str]], None]
"""Told the ids of the documents that a @context was made of, each time that it is asked for."""


def core_document() -> Mapping[str, Json]:
    """Return the core @context as the standard publishes it."""
    text = files(__package__).joinpath("documents", _CORE_FILE).read_bytes()
    document: Mapping[str, Json] = msgspec.json.decode(text)
    return document


_CORE_TERMS: Final = core_document()["@context"]
CORE: Final = Context(read_terms([_CORE_TERMS]), CORE_URL, CORE_URL)


class _Made(msgspec.Struct, frozen=True):
    context: Context
    documents: frozenset[str]
    terms: int


class ContextResolver:
    """Makes contexts, and keeps those made: the same @context gives the same one.

    Args:
        load: Returns documents by their URL.
        used: Counts them.
    """

    def __init__(self, load: Load, used: Used) -> None:
        self._load = load
        self._used = used
        self._made: OrderedDict[_Key, _Made] = OrderedDict()
        self._terms = 0
        self._changes = 0
        self._making = SingleFlight(self._make)

    async def resolved(self, tenant: str, given: Json | None) -> Context:
        """Return the names of what a request gives; the core @context alone, if it gives none.

        Args:
            tenant: Whose hosted contexts count.
            given: A URL, an object of terms, or a list of these.

        Raises:
            LdContextNotAvailableError: A document cannot be had, or not within 1.8 s.
            BadRequestDataError: It is no @context, or leads in a circle.
        """
        if given is None or (isinstance(given, str) and given in CORE_URLS):
            return CORE
        key = (tenant, msgspec.json.encode(given))
        made = self._made.get(key)
        if made is None:
            made = await self._made_in_time(key)
        else:
            self._made.move_to_end(key)
        self._used(made.documents)
        return made.context

    def forget(self, document: str) -> None:
        """Make those contexts anew that were made of a document.

        Args:
            document: Its id, as events ``exchange.context_changed`` tell it.
        """
        self._changes += 1
        self._making.begin_anew()
        for key in [key for key, made in self._made.items() if document in made.documents]:
            self._terms -= self._made.pop(key).terms

    async def close(self) -> None:
        """Stop making contexts."""
        await self._making.close()

    async def _made_in_time(self, key: _Key) -> _Made:
        """Wait for a context; what takes longer goes on, for the next who asks."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await self._making.result(key)
        except TimeoutError as error:
            raise LdContextNotAvailableError(
                "exchange.context_late",
                found=key[1][:200].decode("utf-8", "replace"),
                seconds=_WITHIN_S,
            ) from error

    async def _make(self, key: _Key) -> _Made:
        changes = self._changes
        tenant, encoded = key
        given = msgspec.json.decode(encoded)
        gathering = _Gathering(tenant, self._load)
        await gathering.add(given)
        made = _Made(CORE, frozenset(gathering.documents), 0)
        if gathering.definitions:
            context = await asyncio.to_thread(_context_of, given, gathering.definitions)
            made = _Made(context, made.documents, gathering.terms)
        if changes == self._changes:
            self._keep(key, made)
        return made

    def _keep(self, key: _Key, made: _Made) -> None:
        """Remember, within bounds: the @contexts of requests are without number."""
        self._made[key] = made
        self._terms += made.terms
        while self._terms > _KEPT_TERMS_MOST and len(self._made) > 1:
            self._terms -= self._made.popitem(last=False)[1].terms


def _context_of(given: Json, definitions: Iterable[Mapping[str, Json]]) -> Context:
    terms = read_terms([*definitions, _CORE_TERMS])
    alone = given[0] if isinstance(given, list) and len(given) == 1 else given
    return Context(terms, given, alone if isinstance(alone, str) else "")


class _Gathering:
    """The definitions of a @context, in order, from all documents that it leads to."""

    def __init__(self, tenant: str, load: Load) -> None:
        self._tenant = tenant
        self._load = load
        self._loaded = 0
        self.terms = 0
        self.documents: set[str] = set()
        self.definitions: list[Mapping[str, Json]] = []

    async def add(self, given: Json, path: tuple[str, ...] = ()) -> None:
        for one in given if isinstance(given, list) else [given]:
            match one:
                case None:
                    # It takes back what was said before it (JSON-LD 1.1, 4.1.2).
                    self.definitions.clear()
                case str():
                    await self._add_document(one, path)
                case dict():
                    self._add_terms(one)
                case _:
                    raise unreadable(one)

    def _add_terms(self, definitions: Mapping[str, Json]) -> None:
        self.terms += len(definitions)
        if self.terms > _TERMS_MOST:
            raise BadRequestDataError("exchange.context_too_large", most=_TERMS_MOST)
        self.definitions.append(definitions)

    async def _add_document(self, reference: str, path: tuple[str, ...]) -> None:
        url = urljoin(path[-1], reference) if path else reference
        if url in CORE_URLS:
            return
        self._loaded += 1
        if url in path or len(path) >= _DEPTH_MOST or self._loaded > _DOCUMENTS_MOST:
            raise BadRequestDataError("exchange.context_circular", chain=" > ".join((*path, url)))
        document = await self._load(self._tenant, url)
        self.documents.add(document.kept.id)
        await self.add(document.content["@context"], (*path, url))
