"""A receiver of signed requests on loopback that answers, hangs, fails and redirects."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.flow_process import buildings
from tests.support.notification_receiver import NotificationReceiver, notification_receiver


class WebhookReceiver:
    """What it answers is set by path, as of ``NotificationReceiver``."""

    def __init__(self, receiver: NotificationReceiver) -> None:
        self.receiver = receiver

    def url(self, path: str = "/hook") -> str:
        """Return the address of a path."""
        return self.receiver.url(path)

    def connector(self, path: str = "/hook", **members: Any) -> dict[str, Any]:
        """Return a connector of buildings to a path."""
        return buildings(webhook={"url": self.url(path), "secret": "key"}, **members)

    def changes(self, path: str = "/hook") -> list[dict[str, Any]]:
        """Return every change that a path took, in the order of arrival."""
        return [change for one in self.receiver.at(path) for change in one.body["changes"]]

    def fields(self, path: str = "/hook") -> list[dict[str, Any]]:
        """Return the fields of every change that a path took."""
        return [one["fields"] for one in self.changes(path)]

    def raw(self, place: int = 0) -> tuple[str, bytes]:
        """Return the signature of a request that was taken, and its body as it came."""
        one = self.receiver.received[place]
        return one.headers["beffroi-signature"], json.dumps(
            one.body, separators=(",", ":")
        ).encode()


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    """Run a receiver."""
    async with notification_receiver() as receiver:
        yield WebhookReceiver(receiver)
