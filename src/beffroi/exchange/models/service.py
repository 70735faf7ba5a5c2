"""What people ask of models, types and their quality."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.flows import door_store
from beffroi.exchange.flows import store as flow_store
from beffroi.exchange.flows.door_store import Door, DoorNews
from beffroi.exchange.flows.model import FLOW_ACCOUNT, ChangeKind, DeclarationChange
from beffroi.exchange.governance import rule_store
from beffroi.exchange.model import Iri
from beffroi.exchange.models import store
from beffroi.exchange.models.catalogue import Known, TypeSummary, summaries, summary
from beffroi.exchange.models.conformity import Unfit
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.differences import held_of, model_changes
from beffroi.exchange.models.guard import Guard
from beffroi.exchange.models.quality import AttributeQuality, Finding
from beffroi.exchange.models.rules import rules_of, suggested, type_of
from beffroi.exchange.models.store import Feeder, HeldModel, QualityInstant
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log import Event, append
from beffroi.kernel.rights.model import Actor

MODEL_CHANGED: Final = "exchange.model_changed"
"""Kind of the events that tell of declarations of models; the subject is the file."""
COURSE_SHOWN: Final = timedelta(days=14)
FINDINGS_SHOWN: Final = 12
VALIDATED_MOST: Final = 10_000
_CHUNK: Final = 500
_UNFIT_SHOWN: Final = 50
_FLUSH_S: Final = 5.0
_RETRY_S: Final = 1.0
_logger = logging.getLogger(__name__)


class TypeQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The quality of a type, explained.

    Attributes:
        attributes: Of each organisation, one after another.
        silent_after_s: From when on silence is unusual.
    """

    summary: TypeSummary
    attributes: Sequence[AttributeQuality]
    silent_after_s: float | None
    course: Sequence[QualityInstant]
    findings: Sequence[Finding]


class UnfitEntity(msgspec.Struct, frozen=True):
    """An entity that does not fit its model."""

    id: str
    unfit: Sequence[Unfit]


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What validating the entities of a type found.

    Attributes:
        model: By which.
        checked: How many were looked at.
        unfit: How many of them do not fit.
        entities: The first of these.
        after: The number to go on from; nothing at the end.
    """

    model: str
    checked: int
    unfit: int
    entities: Sequence[UnfitEntity]
    after: int | None


class Models:
    """Models: declared, listed, validated by; types and their quality explained.

    ``begin`` must have ended before the first write, ``run`` be running for accounts to be kept.
    """

    def __init__(self, database: Database, guard: Guard, clock: Clock) -> None:
        self._database = database
        self._guard = guard
        self._clock = clock

    async def run(self) -> None:
        """Keep who writes what, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_S)
                await self.keep_feeders()
        finally:
            await self.keep_feeders()

    async def begin(self) -> None:
        """Judge writes by what is declared, as soon as the database answers."""
        while True:
            try:
                return await self.renew()
            except UnavailableError:
                await asyncio.sleep(_RETRY_S)

    async def renew(self) -> None:
        """Judge writes by what is declared now."""
        async with self._database.transaction(EVERYTHING) as connection:
            self._guard.renew(await store.held_models(connection))

    async def keep_feeders(self) -> None:
        """Keep what was counted since the last time; lost where the database is away."""
        fed = self._guard.taken_feeders()
        if not fed:
            return
        try:
            async with self._database.transaction(EVERYTHING) as connection:
                await store.feed(connection, fed)
                await door_store.add_minute(connection, _of_accounts(fed))
        except UnavailableError as error:
            _logger.info("models state=feeders_lost count=%s reason=%s", len(fed), error)

    async def compare(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> Sequence[DeclarationChange]:
        """Tell what keeping the models of a file would change.

        Raises:
            InvalidInputError: A model is unknown, or its schema is none.
        """
        held = [
            one
            for one in await store.held_models(connection)
            if (one.organisation, one.source) == (organisation, given.source)
        ]
        return list(model_changes(held, _given(organisation, given)))

    async def keep(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> None:
        """Keep the models of a file in the place of what it declared before."""
        changes = await self.compare(connection, organisation, given)
        if not changes:
            return
        await store.replace_models(
            connection, organisation, given.source, _given(organisation, given)
        )
        ended = [one.name for one in changes if one.kind is ChangeKind.ENDED]
        event = Event(MODEL_CHANGED, given.source, organisation, {"ended": ended})
        await append(connection, event)

    async def catalogue(self, actor: Actor, tenant: str) -> Sequence[TypeSummary]:
        """Return the types that an actor may see, with what is known of each."""
        async with self._database.transaction(actor.scope) as connection:
            return summaries(await _known(connection, tenant))

    async def type_names(self, actor: Actor, tenant: str) -> Sequence[str]:
        """Return the short names of the types that were surveyed, as far as an actor sees them."""
        async with self._database.transaction(actor.scope) as connection:
            surveys = await store.surveys(connection, tenant)
        return sorted({CORE.compact(one.type) for one in surveys})

    async def quality(self, actor: Actor, tenant: str, type_iri: Iri) -> TypeQuality:
        """Return the quality of a type, its course, and the entities that lower it.

        Raises:
            ResourceNotFoundError: No survey saw the type, or not for this actor.
        """
        since = self._clock.now() - COURSE_SHOWN
        async with self._database.transaction(actor.scope) as connection:
            known = await _known(connection, tenant, type_iri)
            if not known.surveys:
                raise ResourceNotFoundError(
                    "exchange.type_not_surveyed", type=CORE.compact(type_iri)
                )
            return TypeQuality(
                summary=summary(type_iri, known),
                attributes=[one for survey in known.surveys for one in survey.attributes],
                silent_after_s=min(
                    (one.silent_after_s for one in known.surveys if one.silent_after_s),
                    default=None,
                ),
                course=await store.course(connection, tenant, type_iri, since),
                findings=await store.findings(connection, tenant, type_iri, FINDINGS_SHOWN),
            )

    async def validated(
        self, actor: Actor, tenant: str, type_iri: Iri, model: str = "", after: int = 0
    ) -> Validation:
        """Look at entities that are held, 10,000 at most, by a model.

        Args:
            actor: Who asks, and whose entities.
            tenant: Whose.
            type_iri: Which.
            model: Name of a shipped one; else the declared one, else the one that is called alike.
            after: The number of the last one seen.

        Raises:
            ResourceNotFoundError: There is no model for the type.
        """
        async with self._database.transaction(actor.scope) as connection:
            rules = rules_of(await _model_for(connection, tenant, type_iri, model))
        judge = rules.model
        if judge is None:
            raise ResourceNotFoundError("exchange.type_without_model", type=CORE.compact(type_iri))
        checked, found = 0, list[UnfitEntity]()
        unfit, last = 0, after
        while checked < VALIDATED_MOST:
            async with self._database.transaction(actor.scope) as connection:
                rows = await store.chunk_of_type(connection, tenant, type_iri, last, _CHUNK)
            for number, _, entity in rows:
                checked, last = checked + 1, number
                if not judge.fits(entity):
                    unfit += 1
                    if len(found) < _UNFIT_SHOWN:
                        found.append(UnfitEntity(entity.id, judge.unfit(entity)))
            if len(rows) < _CHUNK:
                break
            await asyncio.sleep(0)
        beyond = last if checked >= VALIDATED_MOST else None
        return Validation(
            model=judge.name, checked=checked, unfit=unfit, entities=found, after=beyond
        )


def _of_accounts(fed: Iterable[Feeder]) -> Sequence[DoorNews]:
    """Return what accounts wrote that are no flows."""
    return [
        DoorNews(
            organisation=one.organisation,
            door=Door.ACCOUNTS,
            carried=one.writes,
            refused=one.refused,
        )
        for one in fed
        if not one.account.startswith(FLOW_ACCOUNT)
    ]


def _given(organisation: str, given: GivenDeclarations) -> Sequence[HeldModel]:
    return held_of(organisation, given.source, given.declared.models, given.files)


async def _known(connection: Connection, tenant: str, type_iri: Iri | None = None) -> Known:
    return Known(
        surveys=await store.surveys(connection, tenant, type_iri),
        models=await store.held_models(connection, tenant),
        feeders=await store.feeders(connection, tenant, type_iri),
        flows=[one for one in await flow_store.all_flows(connection) if one.tenant == tenant],
        treatments=await rule_store.treatments(connection, None),
    )


async def _model_for(connection: Connection, tenant: str, type_iri: Iri, model: str) -> HeldModel:
    if not model:
        for one in await store.held_models(connection, tenant):
            if type_of(one.type) == type_iri:
                return one
    return held_of("", "", {type_iri: DeclaredModel(model=model or suggested(type_iri))}, {})[0]
