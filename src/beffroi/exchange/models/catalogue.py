"""What there is to know of each type, joined; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.flows.model import Direction, HeldFlow
from beffroi.exchange.governance.rule_store import HeldTreatment
from beffroi.exchange.model import Iri
from beffroi.exchange.models.declared import Mode
from beffroi.exchange.models.quality import Component, score_of
from beffroi.exchange.models.rules import suggested, type_of
from beffroi.exchange.models.store import Feeder, HeldModel, TypeSurvey


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the types of a tenant, as an actor sees it."""

    surveys: Sequence[TypeSurvey] = ()
    models: Sequence[HeldModel] = ()
    feeders: Sequence[Feeder] = ()
    flows: Sequence[HeldFlow] = ()
    treatments: Sequence[HeldTreatment] = ()


class FeedingKind(StrEnum):
    """What feeds a type."""

    ACCOUNT = "account"
    FLOW = "flow"


class FedBy(msgspec.Struct, frozen=True, kw_only=True):
    """An account that writes entities of a type, or a flow that brings them.

    Attributes:
        unfit: Writes that did not fit the model and were let in.
        refused: Those that were not.
    """

    kind: FeedingKind
    name: str
    organisation: str
    writes: int = 0
    unfit: int = 0
    refused: int = 0
    last_at: datetime | None = None


class DeclaredFor(msgspec.Struct, frozen=True, kw_only=True):
    """A model that an organisation declares for a type."""

    name: str
    mode: Mode
    organisation: str


class OwnedBy(msgspec.Struct, frozen=True, kw_only=True):
    """A treatment of the register that a type belongs to."""

    treatment: str
    owner: str
    organisation: str


class TypeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A type of entities, explained.

    Attributes:
        name: Short, where it has a short name.
        attributes: Short names of what at least one entity has.
        changed_at: When one of them last changed.
        observed_at: When one of them was last measured.
        period_s: The usual time between measures of one.
        silent: The share of those that are silent beyond their rhythm.
        suggested: The shipped model of its name, where none is declared.
        surveyed_at: When this was so.
    """

    name: str
    type: Iri
    entities: int
    attributes: tuple[str, ...]
    organisations: tuple[str, ...]
    changed_at: datetime | None
    observed_at: datetime | None
    period_s: float | None
    silent: float | None
    score: float | None
    components: Mapping[Component, float]
    models: tuple[DeclaredFor, ...]
    suggested: str
    owners: tuple[OwnedBy, ...]
    fed_by: tuple[FedBy, ...]
    surveyed_at: datetime | None


def summaries(known: Known) -> Sequence[TypeSummary]:
    """Return every type that was seen, or that is declared, by name."""
    names = {one.type for one in known.surveys} | {type_of(one.type) for one in known.models}
    return [
        summary(name, known) for name in sorted(names, key=lambda one: (CORE.compact(one), one))
    ]


def summary(name: Iri, known: Known) -> TypeSummary:
    """Return what is known of one type."""
    surveys = [one for one in known.surveys if one.type == name]
    models = tuple(
        DeclaredFor(
            name=one.declared.model or str(one.declared.schema or ""),
            mode=one.declared.mode,
            organisation=one.organisation,
        )
        for one in known.models
        if type_of(one.type) == name
    )
    components = _joined(surveys)
    speaking = components.get(Component.SPEAKING)
    return TypeSummary(
        name=CORE.compact(name),
        type=name,
        entities=sum(one.entities for one in surveys),
        attributes=_attributes(surveys),
        organisations=tuple(one.organisation for one in surveys),
        changed_at=_latest(one.changed_at for one in surveys),
        observed_at=_latest(one.observed_at for one in surveys),
        period_s=min((one.period_s for one in surveys if one.period_s), default=None),
        silent=None if speaking is None else 1 - speaking,
        score=score_of(components),
        components=components,
        models=models,
        suggested="" if models else suggested(name),
        owners=_owners(name, known.treatments),
        fed_by=(*_accounts(name, known.feeders), *_flows(name, known.flows)),
        surveyed_at=_latest(one.surveyed_at for one in surveys),
    )


def _joined(surveys: Sequence[TypeSurvey]) -> Mapping[Component, float]:
    """Return the components of several organisations, each weighing what it has."""
    joined: dict[Component, float] = {}
    for component in Component:
        held = [one for one in surveys if component in one.components and one.entities]
        if held:
            total = sum(one.entities for one in held)
            joined[component] = (
                sum(one.components[component] * one.entities for one in held) / total
            )
    return joined


def _attributes(surveys: Iterable[TypeSurvey]) -> tuple[str, ...]:
    names = {one.name for survey in surveys for one in survey.attributes if one.entities}
    return tuple(sorted(CORE.compact(name) for name in names))


def _latest(given: Iterable[datetime | None]) -> datetime | None:
    return max((one for one in given if one is not None), default=None)


def _owners(name: Iri, treatments: Iterable[HeldTreatment]) -> tuple[OwnedBy, ...]:
    return tuple(
        OwnedBy(
            treatment=one.treatment.title or one.name,
            owner=one.treatment.owner,
            organisation=one.organisation,
        )
        for one in treatments
        if name in {type_of(kind) for kind in one.treatment.types}
    )


def _accounts(name: Iri, feeders: Iterable[Feeder]) -> Iterable[FedBy]:
    return (
        FedBy(
            kind=FeedingKind.ACCOUNT,
            name=one.account,
            organisation=one.organisation,
            writes=one.writes,
            unfit=one.unfit,
            refused=one.refused,
            last_at=one.last_at,
        )
        for one in feeders
        if one.type == name
    )


def _flows(name: Iri, flows: Iterable[HeldFlow]) -> Iterable[FedBy]:
    return (
        FedBy(kind=FeedingKind.FLOW, name=one.name, organisation=one.organisation)
        for one in flows
        if one.direction is Direction.IN and name == _type_of_flow(one)
    )


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


def _type_of_flow(flow: HeldFlow) -> Iri:
    declared = msgspec.json.decode(flow.declared, type=_Typed)
    return type_of(declared.type) if declared.type else ""
