"""Requests that change something: handed on, and what they make stale is purged first."""

import logging
from collections.abc import AsyncIterator
from typing import Final

from beffroi.delivery.cache_groups import told_invalidations
from beffroi.delivery.filler.asked import Asked
from beffroi.delivery.filler.exchange import Exchange
from beffroi.delivery.filler.flights import Flights
from beffroi.delivery.filler.origin import Origin, Unreachable, end_to_end
from beffroi.delivery.filler.purging import Purging
from beffroi.delivery.filler.replies import FAILING, Replies
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.page_keys import page_key
from beffroi.delivery.page_model import PurgeKind
from beffroi.delivery.sites import StoredSite
from beffroi.delivery.storability import OriginAnswer, invalidated_by
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_LEFT_OUT: Final = frozenset({"cache-groups", "cache-group-invalidation", "cache-status"})


class Relaying:
    """Hands a request to the application as it comes, and its answer back."""

    def __init__(self, origin: Origin, purging: Purging, shelf: Shelf, flights: Flights) -> None:
        self._origin = origin
        self._purging = purging
        self._shelf = shelf
        self._flights = flights

    async def relay(self, asked: Asked, site: StoredSite, proto: Exchange) -> None:
        """Hand a request on; its answer leaves once no page that it made stale is shown."""
        length = asked.header("content-length")
        has_body = length not in {"", "0"} or asked.header("transfer-encoding") != ""
        body = _chunks(proto) if has_body else None
        begun = False
        try:
            async with self._origin.relayed(asked.method, asked.target, asked.headers, body) as (
                answer,
                chunks,
            ):
                await self._invalidate(asked, site, answer)
                headers = [
                    (name, value)
                    for name, value in end_to_end(answer.headers)
                    if name not in _LEFT_OUT
                ]
                headers.append(("cache-status", "beffroi; fwd=method"))
                if ("x-accel-buffering", "no") in answer.headers:
                    headers.append(("x-accel-buffering", "no"))
                begun = True
                stream = proto.response_stream(answer.status, headers)
                async for chunk in chunks:
                    await stream.send_bytes(chunk)
        except Unreachable as error:
            _logger.warning("filler host=%s state=not_relayed %s", asked.host, error.reason)
            if begun:
                raise
            Replies(proto).send_back(FAILING, f"fwd=method; detail={error.reason}")

    async def _invalidate(self, asked: Asked, site: StoredSite, answer: OriginAnswer) -> None:
        if not 200 <= answer.status < 400:
            return
        orders = [(PurgeKind.TAG, tag) for tag in sorted(told_invalidations(answer.headers))]
        key = page_key(asked.host, asked.target, site.rules)
        if key is not None:
            orders += [
                (PurgeKind.URL, f"{one.host}{one.path}")
                for one in sorted(invalidated_by(asked.method, answer, key, site.rules))
                if self._shelf.has_path(one.host, one.path)
                or self._flights.concerns_path(one.host, one.path)
            ]
        if not orders:
            return
        try:
            await self._purging.purge(site.application, site.organisation, orders, "application")
        except BeffroiError as error:
            _logger.warning("filler host=%s state=not_purged %s", asked.host, error)


async def _chunks(proto: Exchange) -> AsyncIterator[bytes]:
    async for chunk in proto:
        yield chunk
