"""Who this context source is.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.40 and 5.15.1.
"""

from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from beffroi.exchange.api.answers import Answer
from beffroi.exchange.api.documents import Documents
from beffroi.exchange.api.media_types import accepted_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.representation.instants import written_instant
from beffroi.kernel.clock import Clock

_PARAMETERS: Final[frozenset[str]] = frozenset()


class IdentityRoutes:
    """Answers who we are.

    Args:
        source: Names this platform among all; its tenants get names of their own from it.
        documents: Reads the @context of requests.
        clock: Since now we are up.
    """

    def __init__(self, source: UUID, documents: Documents, clock: Clock) -> None:
        self._source = source
        self._documents = documents
        self._clock = clock
        self._since = clock.now()

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        return (Route("GET", "info/sourceIdentity", self.identity, _PARAMETERS),)

    async def identity(self, request: Request) -> Answer:
        """Tell our alias, since when we are up, and what time it is here."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        now = self._clock.now()
        alias = f"urn:uuid:{uuid5(self._source, request.tenant)}"
        content = {
            "id": f"urn:ngsi-ld:ContextSourceIdentity:{alias.rpartition(':')[2]}",
            "type": "ContextSourceIdentity",
            "contextSourceAlias": alias,
            "contextSourceUptime": f"PT{int((now - self._since).total_seconds())}S",
            "contextSourceTimeAt": written_instant(now),
        }
        return await self._documents.plain_answer(request, content, media_type, context)


def source_of(address: str) -> UUID:
    """Make the name of a platform of its address."""
    return uuid5(NAMESPACE_URL, address)
