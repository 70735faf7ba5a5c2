"""Subscriptions: created, shown, listed, changed, deleted; and what could not be delivered.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.8.1 to 5.8.5, 6.10 and 6.11.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec

from beffroi.exchange.api import forms, paging
from beffroi.exchange.api.answers import NO_CONTENT, Answer, answered, created
from beffroi.exchange.api.documents import PATCHES, Documents
from beffroi.exchange.api.door import DOOR_PATH
from beffroi.exchange.api.media_types import accepted_type
from beffroi.exchange.api.prefer import preferences
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.names import checked_id
from beffroi.exchange.subscriptions.model import DeadLetter, HeldSubscription
from beffroi.exchange.subscriptions.service import Subscriptions
from beffroi.exchange.subscriptions.writing import written_subscription
from beffroi.kernel.clock import Clock

_FORM: Final = frozenset({"options", "local", "via"})
_LISTING: Final = frozenset({*_FORM, *paging.PARAMETERS})
_WHERE: Final = frozenset({"local", "via"})
_OPTIONS: Final = frozenset({forms.SYS_ATTRS})
_NO_ID: Final = Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", ((b"allow", b"GET, POST"),))


class SubscriptionRoutes:
    """Answers requests for subscriptions."""

    def __init__(self, subscriptions: Subscriptions, documents: Documents, clock: Clock) -> None:
        self._subscriptions = subscriptions
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here; dead letters are an addition to the standard."""
        return (
            Route("POST", "subscriptions", self.create, _WHERE),
            Route("GET", "subscriptions", self.list, _LISTING),
            Route("GET", "subscriptions/*", self.show, _FORM),
            Route("PATCH", "subscriptions/*", self.update, _WHERE),
            Route("DELETE", "subscriptions/*", self.delete, _WHERE),
            Route("GET", "subscriptions/*/undelivered", self.list_undelivered),
            Route("POST", "subscriptions/*/undelivered", self.replay),
        )

    async def create(self, request: Request) -> Answer:
        """Keep a subscription."""
        document = await self._documents.read(request)
        subscription_id = await self._subscriptions.create(
            request.actor, request.tenant, document.content, document.context
        )
        return created(f"{DOOR_PATH}/subscriptions/{quote(subscription_id, safe=':')}")

    async def list(self, request: Request) -> Answer:
        """Return a page of subscriptions."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        options = forms.read_options(request, _OPTIONS)
        window = paging.read_window(request)
        page = await self._subscriptions.page(request.actor, request.tenant, window)
        shown = [self._written(one, context, options) for one in page.subscriptions]
        headers = paging.paging_headers(
            request, window, media_type, count=page.count, more=page.more
        )
        answer = await self._answer(request, shown, media_type, context)
        return msgspec.structs.replace(answer, headers=(*answer.headers, *headers))

    async def show(self, request: Request) -> Answer:
        """Return a subscription."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        options = forms.read_options(request, _OPTIONS)
        held = await self._subscriptions.subscription(
            request.actor, request.tenant, checked_id(request.parts[0])
        )
        shown = self._written(held, context, options)
        return await self._answer(request, shown, media_type, context)

    async def update(self, request: Request) -> Answer:
        """Change members of a subscription."""
        if not request.parts[0]:
            return _NO_ID
        subscription_id = checked_id(request.parts[0])
        document = await self._documents.read(request, PATCHES)
        await self._subscriptions.update(
            request.actor, request.tenant, subscription_id, document.content, document.context
        )
        return NO_CONTENT

    async def delete(self, request: Request) -> Answer:
        """Delete a subscription."""
        if not request.parts[0]:
            return _NO_ID
        await self._subscriptions.delete(
            request.actor, request.tenant, checked_id(request.parts[0])
        )
        return NO_CONTENT

    async def list_undelivered(self, request: Request) -> Answer:
        """Return the notifications that were tried too often."""
        media_type = accepted_type(request)
        found = await self._subscriptions.dead_letters(
            request.actor, request.tenant, checked_id(request.parts[0])
        )
        return answered([_written_dead(one) for one in found], media_type)

    async def replay(self, request: Request) -> Answer:
        """Send them again."""
        count = await self._subscriptions.replay(
            request.actor, request.tenant, checked_id(request.parts[0])
        )
        return answered({"count": count}, status=HTTPStatus.ACCEPTED)

    def _written(
        self, held: HeldSubscription, context: Context, options: frozenset[str]
    ) -> dict[str, Json]:
        now = self._clock.now()
        return written_subscription(held, context, now, sys_attrs=forms.SYS_ATTRS in options)

    async def _answer(
        self, request: Request, content: Json, media_type: str, context: Context
    ) -> Answer:
        answer = await self._documents.plain_answer(request, content, media_type, context)
        version = preferences(request).version
        if not version:
            return answer
        applied = (b"preference-applied", f"ngsi-ld={version}".encode())
        return msgspec.structs.replace(answer, headers=(*answer.headers, applied))


def _written_dead(letter: DeadLetter) -> Json:
    return {
        "id": f"urn:ngsi-ld:Notification:{letter.number}",
        "endpoint": letter.endpoint,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "notifiedAt": written_instant(letter.occurred_at),
        "givenUpAt": written_instant(letter.dead_at),
    }
