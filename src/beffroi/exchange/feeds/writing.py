"""Rows of feeds become entities and history, in the platform itself: all of it there once."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import ExchangeError, InvalidRequestError
from beffroi.exchange.feeds.spool import SpooledRow
from beffroi.exchange.measures import AHEAD_MOST, LateMeasures, joined
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Exchange, Wish
from beffroi.exchange.temporal.documents import Recorded
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.kernel.clock import Clock
from beffroi.kernel.rights.model import Actor


class RefusedWrite(msgspec.Struct, frozen=True):
    """A row that could not be written, and why."""

    row: SpooledRow
    error: ExchangeError


class Written(msgspec.Struct):
    """What became of rows.

    Attributes:
        changed: Rows that told something new of now.
        late: Values that went to history alone.
    """

    changed: int = 0
    late: int = 0
    refused: list[RefusedWrite] = []


class _Telling(msgspec.Struct, eq=False):
    """One row on its way."""

    row: SpooledRow
    entity: Entity
    changed: bool = False
    late: list[Recorded] = []


class FeedWriter:
    """Writes rows: what is new changes the entity, what came late joins its history.

    What was written already is left out, so that rows may be written again after a crash.
    """

    def __init__(
        self,
        exchange: Exchange,
        history: History,
        recorder: Recorder,
        contexts: Contexts,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._late = LateMeasures(history, recorder)
        self._contexts = contexts
        self._clock = clock

    async def context(self, tenant: str, addresses: Sequence[str]) -> Context:
        """Return the context of a feed's names."""
        return await self._contexts.resolved(tenant, list(addresses)) if addresses else CORE

    async def write(
        self, actor: Actor, tenant: str, rows: Sequence[SpooledRow], context: Context
    ) -> Written:
        """Write rows in their order; each is committed when this returns, or refused."""
        now = self._clock.now()
        written = Written()
        telling: list[_Telling] = []
        for row in rows:
            try:
                telling.append(_Telling(row, _read(row, context, now)))
            except ExchangeError as error:
                written.refused.append(RefusedWrite(row, error))
        wishes = [_wish(one, now) for one in telling]
        outcomes = await self._exchange.carry_out(actor, tenant, wishes)
        late: dict[str, list[Recorded]] = {}
        for one, outcome in zip(telling, outcomes, strict=True):
            if outcome is not None:
                written.refused.append(RefusedWrite(one.row, outcome))
                continue
            written.changed += one.changed
            if one.late:
                late.setdefault(one.entity.id, []).extend(one.late)
        for entity_id, recorded in late.items():
            written.late += await self._late.add(actor, tenant, entity_id, recorded)
        return written


def _wish(telling: _Telling, now: datetime) -> Wish:
    """Return the wish to write a row; what it did is noted when its turn comes."""

    def decide(held: Entity | None) -> Entity:
        telling.late, telling.changed = [], True
        if held is None:
            return telling.entity
        told = [
            (iri, one) for iri, instances in telling.entity.attributes.items() for one in instances
        ]
        entity, late = joined(held, told, now)
        telling.late, telling.changed = list(late), entity is not held
        return entity

    return Wish(telling.entity.id, decide)


def _read(row: SpooledRow, context: Context, now: datetime) -> Entity:
    """Read a row.

    Raises:
        ExchangeError: It is no entity, or was measured after now.
    """
    entity = read_entity(row.document, context, now)
    times = (one.observed_at for many in entity.attributes.values() for one in many)
    ahead = next((at for at in times if at is not None and at - now > AHEAD_MOST), None)
    if ahead is not None:
        raise InvalidRequestError("exchange.feed_instant_ahead", found=written_instant(ahead))
    return entity
