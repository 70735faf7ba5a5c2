"""What the console offers of types and their quality: parse, call one verb, render."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, PathParameter
from litestar.response import Template

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.models.catalogue import FeedingKind, TypeSummary
from beffroi.exchange.models.library import shipped_model
from beffroi.exchange.models.quality import WEIGHTS, AttributeQuality, Component, Finding
from beffroi.exchange.models.service import Models
from beffroi.exchange.models.store import QualityInstant
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.viewing.figures import (
    PLOT_HEIGHT,
    PLOT_WIDTH,
    Addresses,
    out_of_path,
    plots,
    short,
    told_number,
)
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor

_Request = Request[Any, Any, State]
TypeName = Annotated[str, PathParameter(max_length=3_000, description="Short, or an IRI.")]
_ATTRIBUTES_SHOWN: Final = 30
_FED_SHOWN: Final = 4
_WHOLE_FROM: Final = 10
_TROUBLED_SHOWN: Final = 25
_IN_SECONDS: Final = frozenset({Component.PUNCTUAL, Component.SPEAKING})
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Share(msgspec.Struct, frozen=True):
    """A share as it is drawn and told."""

    share: float
    told: str


class Troubled(msgspec.Struct, frozen=True):
    """An entity that lowers the quality, and why.

    Attributes:
        label: Its id without what all of its type begin with.
    """

    entity: str
    label: str
    address: str
    reasons: Sequence[str]
    since: datetime | None


@get("/exchange/types")
async def show_catalogue(
    request: _Request,
    actor: NamedDependency[Actor],
    models: NamedDependency[Models],
    tenant: FromQuery[str] = "",
) -> Template:
    """Show every type: its model, its owner, how fresh and how good it is."""
    language = language_of(request)
    found = await models.catalogue(actor, tenant)
    context = {
        "addresses": Addresses(tenant),
        "tenant": tenant,
        "types": [(one, told_type(one, tenant, language)) for one in found],
        "surveyed_at": min((one.surveyed_at for one in found if one.surveyed_at), default=None),
    }
    return Template("exchange/catalogue.html", context=context)


@get("/exchange/types/{type_name:str}/quality")
async def show_quality(
    request: _Request,
    type_name: TypeName,
    actor: NamedDependency[Actor],
    models: NamedDependency[Models],
    tenant: FromQuery[str] = "",
) -> Template:
    """Show the quality of a type, its course, and the entities that lower it."""
    language, addresses = language_of(request), Addresses(tenant)
    iri = CORE.expand(checked_name(out_of_path(type_name)))
    found = await models.quality(actor, tenant, iri)
    summary = found.summary
    context = {
        "addresses": addresses,
        "tenant": tenant,
        "short": short,
        "summary": summary,
        "told": told_type(summary, tenant, language),
        "components": [
            (component, _share(summary.components[component], language))
            for component in Component
            if component in summary.components
        ],
        "silent_after": told_duration(found.silent_after_s, language),
        "attributes": [
            (one, _share(one.score, language), _lacks(one, summary.entities, language))
            for one in _worst_first(found.attributes)[:_ATTRIBUTES_SHOWN]
        ],
        "troubled": _troubled(found.findings, summary.name, addresses, language),
        "plots": plots(_series(found.course), language),
        "plot_size": (PLOT_WIDTH, PLOT_HEIGHT),
        "model_page": _model_page(summary),
    }
    return Template("exchange/quality.html", context=context)


def router() -> Router:
    """Return the pages of types and their quality."""
    return Router(path="/", route_handlers=[show_catalogue, show_quality])


def told_duration(seconds: float | None, language: Language) -> str:
    """Write a duration in its largest unit that leaves a whole; a small count with one decimal."""
    if seconds is None:
        return ""
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    count = seconds / size
    shown = round(count) if count >= _WHOLE_FROM else round(count, 1)
    return f"{told_number(shown, language)} {_unit(unit, language)}"


def told_finding(finding: Finding, language: Language) -> str:
    """Explain why an entity lowers the quality."""
    tell = told_duration if finding.kind in _IN_SECONDS else _told_number
    values: Mapping[str, object] = {
        "name": short(finding.attribute) if finding.attribute else "",
        "value": tell(finding.value, language),
        "bound": tell(finding.bound, language),
        "told": finding.told,
    }
    return sentence(language, f"exchange.type_pages.found.{finding.kind}", **values)


def told_type(one: TypeSummary, tenant: str, language: Language) -> Mapping[str, Any]:
    """Return what is told of a type in a list."""
    addresses = Addresses(tenant)
    fed = dict.fromkeys(
        sentence(language, "exchange.types.flow", name=by.name)
        if by.kind is FeedingKind.FLOW
        else by.name
        for by in one.fed_by
    )
    return {
        "address": addresses.of_type(one.type),
        "quality": addresses.of(_below(addresses.of_type(one.type), "quality")),
        "share": None if one.score is None else _share(one.score, language),
        "silent": None if not one.silent else _share(one.silent, language),
        "period": told_duration(one.period_s, language),
        "seen_at": _seen(one),
        "fed_by": list(fed)[:_FED_SHOWN],
        "fed_more": max(0, len(fed) - _FED_SHOWN),
        "accounts": sorted({by.name for by in one.fed_by if by.kind is FeedingKind.ACCOUNT}),
        "owners": list(dict.fromkeys(held.owner or held.treatment for held in one.owners)),
        "unfit": sum(by.unfit for by in one.fed_by),
        "refused": sum(by.refused for by in one.fed_by),
    }


def _below(address: str, name: str) -> str:
    return f"{address.partition('?')[0]}/{name}"


def _seen(one: TypeSummary) -> datetime | None:
    return one.observed_at or one.changed_at


def _share(share: float | None, language: Language) -> Share | None:
    if share is None:
        return None
    percent = 100 * share
    shown = (
        round(percent, 1) if 0 < percent < 100 and round(percent) in {0, 100} else round(percent)
    )
    space = " " if language is Language.FR else ""
    return Share(share, f"{told_number(shown, language)}{space}%")


def _lacks(one: AttributeQuality, total: int, language: Language) -> str:
    told = []
    if one.expected and one.entities < total:
        told.append(("absent", total - one.entities))
    if one.out_of_range:
        told.append(("outside", one.out_of_range))
    if one.flat:
        told.append(("flat", one.flat))
    return ", ".join(
        sentence(language, f"exchange.type_pages.lacks.{name}", count=count) for name, count in told
    )


def _worst_first(attributes: Sequence[AttributeQuality]) -> Sequence[AttributeQuality]:
    return sorted(attributes, key=lambda one: (1.0 if one.score is None else one.score, one.name))


def _series(course: Sequence[QualityInstant]) -> dict[str, list[tuple[datetime, float]]]:
    """Return the course in percent, each organisation's by its name."""
    found: dict[str, list[tuple[datetime, float]]] = {}
    for one in course:
        if one.score is not None:
            found.setdefault(one.organisation or "-", []).append(
                (one.at, round(100 * one.score, 1))
            )
    return found


def _model_page(summary: TypeSummary) -> str:
    name = summary.models[0].name if summary.models else summary.suggested
    held = shipped_model(name) if name else None
    return "" if held is None else held.page


def _told_number(value: float | None, language: Language) -> str:
    return "" if value is None else told_number(value, language)


def _troubled(
    findings: Sequence[Finding], name: str, addresses: Addresses, language: Language
) -> list[Troubled]:
    """Join what is found of each entity, those first that lower the quality most."""
    by_entity: dict[str, list[Finding]] = {}
    for one in findings:
        by_entity.setdefault(one.entity, []).append(one)
    ranked = sorted(
        by_entity.items(),
        key=lambda item: (-sum(WEIGHTS[kind] for kind in {one.kind for one in item[1]}), item[0]),
    )
    return [
        Troubled(
            entity,
            entity.removeprefix(f"urn:ngsi-ld:{name}:"),
            addresses.of_entity(entity),
            [told_finding(one, language) for one in found],
            min((one.since for one in found if one.since), default=None),
        )
        for entity, found in ranked[:_TROUBLED_SHOWN]
    ]


def _unit(unit: str, language: Language) -> str:
    return "j" if unit == "d" and language is Language.FR else unit
