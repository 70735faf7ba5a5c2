"""Measures of messages put into entities, all of a batch at once."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from beffroi.exchange.measures import LateMeasures, joined
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.making import restamped
from beffroi.exchange.service import Exchange, Wish
from beffroi.exchange.temporal.documents import Recorded
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.uplinks.mapping import Measures
from beffroi.exchange.writing.committing import Outcome
from beffroi.kernel.clock import Clock
from beffroi.kernel.rights.model import Actor


class _Telling(msgspec.Struct, eq=False, gc=False):
    """One message on its way; what of it came late is known once its turn came."""

    measures: Measures
    now: datetime
    late: tuple[Recorded, ...] = ()

    def __call__(self, held: Entity | None) -> Entity:
        """Decide what its entity becomes."""
        entity, self.late = measured(held, self.measures, self.now)
        return entity


class Measuring:
    """Commits what messages tell."""

    def __init__(
        self, exchange: Exchange, history: History, recorder: Recorder, clock: Clock
    ) -> None:
        self._exchange = exchange
        self._late = LateMeasures(history, recorder)
        self._clock = clock

    async def committed(
        self, actor: Actor, tenant: str, measures: Sequence[Measures]
    ) -> Sequence[Outcome]:
        """Return what became of each, once all are committed."""
        now = self._clock.now()
        telling = [_Telling(one, now) for one in measures]
        wishes = [Wish(one.measures.id, one) for one in telling]
        outcomes = await self._exchange.carry_out(actor, tenant, wishes)
        late: dict[str, list[Recorded]] = {}
        for one, outcome in zip(telling, outcomes, strict=True):
            if one.late and outcome is None:
                late.setdefault(one.measures.id, []).extend(one.late)
        for entity, recorded in late.items():
            await self._late.add(actor, tenant, entity, recorded)
        return outcomes


def measured(
    held: Entity | None, measures: Measures, now: datetime
) -> tuple[Entity, tuple[Recorded, ...]]:
    """Return what an entity becomes, and what of the measures is older than what it has."""
    if held is not None:
        return joined(held, measures.attributes, now)
    entity = Entity(
        id=measures.id,
        types=measures.types,
        attributes={iri: (restamped(one, None, now),) for iri, one in measures.attributes},
        created_at=now,
        modified_at=now,
    )
    return entity, ()
