"""A server on loopback that is taken to be outside of the platform's network."""

from typing import Any, BinaryIO

from beffroi.exchange.outgoing import Answer, Outgoing


class OutsideAndInside(Outgoing):
    """Takes one server to be outside, and all else to be where it is.

    Args:
        outside: What its addresses begin with.
        asker: Asks it.
    """

    def __init__(self, outside: str, asker: Outgoing) -> None:
        super().__init__(allow_internal=False)
        self._outside = outside
        self._asker = asker

    async def ask(self, method: str, url: str, **asked: Any) -> Answer:
        if url.startswith(self._outside):
            return await self._asker.ask(method, url, **asked)
        return await super().ask(method, url, **asked)

    async def download(self, url: str, *, into: BinaryIO, **asked: Any) -> Answer:
        if url.startswith(self._outside):
            return await self._asker.download(url, into=into, **asked)
        return await super().download(url, into=into, **asked)
