"""Changes posted to a receiver, each request signed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http.client import responses
from typing import Final

import msgspec

from beffroi.exchange.connectors.declared import WebhookTarget
from beffroi.exchange.connectors.signature import DELIVERY, POSITION, SIGNATURE, signed
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import Pace, ReceiverRefusedError
from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.outgoing import Answer, Outgoing
from beffroi.exchange.representation.instants import written_instant
from beffroi.kernel.clock import Clock
from beffroi.kernel.secrets import Secret

# These tell of the receiver as a whole, not of what was sent: it is asked again.
_ASKED_AGAIN: Final = frozenset({401, 403, 404, 405, 407, 408, 410, 425, 429})
_EXCERPT: Final = 200


class WebhookDriver:
    """Posts changes over HTTP."""

    def __init__(self, outgoing: Outgoing, vault: FlowVault, clock: Clock) -> None:
        self._outgoing = outgoing
        self._vault = vault
        self._clock = clock

    @asynccontextmanager
    async def opened(
        self, flow: HeldFlow, target: WebhookTarget, _names: Sequence[str]
    ) -> AsyncIterator["Webhook"]:
        """Get ready; nothing is asked before the first change."""
        secret = await self._vault.secret(flow.organisation, target.secret)
        yield Webhook(flow, target, secret, self._outgoing, self._clock)


class Webhook:
    """A receiver over HTTP."""

    keeps_last = False

    def __init__(
        self,
        flow: HeldFlow,
        target: WebhookTarget,
        secret: Secret,
        outgoing: Outgoing,
        clock: Clock,
    ) -> None:
        self.pace = Pace(target.rows_most)
        self._flow = flow
        self._target = target
        self._secret = secret
        self._outgoing = outgoing
        self._clock = clock

    async def deliver(self, changes: Sequence[Change]) -> None:
        """Post changes in one request."""
        body = msgspec.json.encode(
            {"flow": self._flow.name, "changes": [_told(one) for one in changes]}
        )
        sent_at_s = self._clock.now().timestamp()
        answer = await self._outgoing.ask(
            "POST",
            self._target.url,
            headers={
                "Content-Type": "application/json",
                SIGNATURE: signed(self._secret, body, sent_at_s),
                DELIVERY: f"{self._flow.organisation}/{self._flow.name}/{changes[0].seq}",
                POSITION: str(changes[-1].seq),
            },
            within_s=self._target.within_s,
            content=body,
        )
        _judge(self._target.url, answer)


def _told(change: Change) -> dict[str, object]:
    return {
        "position": change.seq,
        "at": written_instant(change.at),
        "id": change.id,
        "deleted": change.deleted,
        "fields": change.row,
    }


def _judge(url: str, answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise FlowFailedError("exchange.connector_redirected", url=url, location=answer.location)
    told = answer.content.decode("utf-8", "replace").strip()[:_EXCERPT]
    told = told or responses.get(answer.status, "-")
    if 400 <= answer.status < 500 and answer.status not in _ASKED_AGAIN:
        raise ReceiverRefusedError(
            "exchange.connector_refused", url=url, status=answer.status, told=told
        )
    raise FlowFailedError("exchange.connector_status", url=url, status=answer.status, told=told)
