"""Documents by their address: from the operator's folder, else from the network."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import msgspec

from beffroi.exchange.contexts.definitions import read_document
from beffroi.exchange.errors import ExchangeError, LdContextNotAvailableError
from beffroi.exchange.model import Json
from beffroi.exchange.outgoing import Answer, Outgoing, UnreachableError
from beffroi.kernel.clock import Clock

_WITHIN_S: Final = 10.0
_REDIRECTS_MOST: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_ACCEPTED: Final = {"Accept": "application/ld+json, application/json;q=0.9, */*;q=0.1"}
_FAILURE_KEPT_S: Final = 10.0
_FAILURES_MOST: Final = 1_000


class _Failure(msgspec.Struct, frozen=True):
    error: ExchangeError
    until_s: float


class Documents:
    """Gets documents; does not ask again at once where that failed.

    Args:
        outgoing: Asks the network.
        clock: Tells for how long a failure counts: 10 s.
        known: Files that stand for addresses.
    """

    def __init__(self, outgoing: Outgoing, clock: Clock, known: Mapping[str, Path]) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._known = known
        self._failures: dict[str, _Failure] = {}

    def knows(self, url: str) -> bool:
        """Tell whether a file stands for an address."""
        return url in self._known

    async def document(self, url: str) -> dict[str, Json]:
        """Return the document of an address, unless that failed just now.

        Raises:
            LdContextNotAvailableError: It cannot be had.
            BadRequestDataError: What is there is no @context.
        """
        failure = self._failures.get(url)
        if failure is not None and self._clock.monotonic_s() < failure.until_s:
            raise type(failure.error)(failure.error.code, **failure.error.values)
        try:
            return await self.document_now(url)
        except ExchangeError as error:
            if len(self._failures) >= _FAILURES_MOST:
                self._failures.clear()
            self._failures[url] = _Failure(error, self._clock.monotonic_s() + _FAILURE_KEPT_S)
            raise

    async def document_now(self, url: str) -> dict[str, Json]:
        """Return the document of an address, whatever became of it before.

        Raises:
            LdContextNotAvailableError: It cannot be had.
            BadRequestDataError: What is there is no @context.
        """
        self._failures.pop(url, None)
        return await asyncio.to_thread(read_document, url, await self._text(url))

    async def _text(self, url: str) -> bytes:
        path = self._known.get(url)
        if path is None:
            return await self._fetched(url)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise LdContextNotAvailableError(
                "exchange.no_answer", url=url, reason=error.strerror
            ) from error

    async def _fetched(self, url: str) -> bytes:
        asked = url
        try:
            async with asyncio.timeout(_WITHIN_S):
                for _ in range(_REDIRECTS_MOST + 1):
                    answer = await self._outgoing.ask(
                        "GET", asked, headers=_ACCEPTED, within_s=_WITHIN_S
                    )
                    if answer.status not in _REDIRECTS or not answer.location:
                        return _content(url, answer)
                    asked = urljoin(asked, answer.location)
        except UnreachableError as error:
            raise LdContextNotAvailableError(error.code, **error.values) from error
        except TimeoutError as error:
            raise LdContextNotAvailableError(
                "exchange.no_answer_in_time", url=url, seconds=_WITHIN_S
            ) from error
        raise LdContextNotAvailableError(
            "exchange.context_redirected", url=url, most=_REDIRECTS_MOST
        )


def _content(url: str, answer: Answer) -> bytes:
    if answer.status != _OK:
        raise LdContextNotAvailableError("exchange.context_refused", url=url, status=answer.status)
    return answer.content
