"""Commands on types, models and quality: parse, call one verb, show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
import typer

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import AttributeKind, Json
from beffroi.exchange.models.catalogue import FeedingKind, TypeSummary
from beffroi.exchange.models.conformity import Model, Unfit, shipped
from beffroi.exchange.models.library import shipped_names
from beffroi.exchange.models.rules import model_of
from beffroi.exchange.models.service import UnfitEntity, Validation
from beffroi.exchange.representation.reading import read_entity
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)

_API: Final = "/api/exchange"
_KINDS: Final = frozenset(AttributeKind)
_TITLES: Final = ("type", "entities", "newest", "quality", "model", "fed_by", "owner", "attributes")
_TENANT = Annotated[str, typer.Option("--tenant", help="Of the entities; none: the default one.")]


def types(tenant: _TENANT = "", *, as_json: JsonOption = False) -> None:
    """Explain the types of entities: how many, who feeds them, how fresh, how good they are."""
    asked = f"{_API}/types?{urlencode({'tenant': tenant})}"
    found = platform().ask("GET", asked, list[TypeSummary])
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = [sentence(language, f"exchange.types.{name}") for name in _TITLES]
    show_table(titles, [_row(one, language) for one in found])
    surveyed = min((one.surveyed_at for one in found if one.surveyed_at), default=None)
    if surveyed is not None:
        typer.echo(sentence(language, "exchange.types.surveyed", at=_instant(surveyed)))


def models(*, as_json: JsonOption = False) -> None:
    """List the Smart Data Models that the platform brings."""
    if as_json:
        show_json(list(shipped_names()))
        return
    for name in shipped_names():
        typer.echo(name)


def validate(
    subject: Annotated[
        str, typer.Argument(help="A JSON file of entities, or a type whose entities are held.")
    ],
    model: Annotated[
        str, typer.Option("--model", help="By this model; none: the declared, or that of the type.")
    ] = "",
    schema: Annotated[
        Path | None, typer.Option("--schema", help="By this JSON Schema (files only).", exists=True)
    ] = None,
    tenant: _TENANT = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell which entities do not fit their model, and where."""
    file = Path(subject)
    if file.is_file():
        own = None if schema is None else model_of(schema.name, schema.read_bytes())
        found = _validated_file(file, model, own)
    else:
        asked = urlencode({"tenant": tenant, "model": model})
        address = f"{_API}/types/{quote(subject, safe='')}/validation?{asked}"
        found = platform().ask("GET", address, Validation)
    if as_json:
        show_json(found)
    else:
        _show_validation(found)
    if found.unfit:
        raise typer.Exit(1)


COMMANDS: Final[Mapping[str, Callable[..., None]]] = {
    "types": types,
    "models": models,
    "validate": validate,
}
"""By the names that they have below ``beffroi exchange``."""


def _validated_file(file: Path, name: str, own: Model | None) -> Validation:
    try:
        document = msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError as error:
        raise InvalidInputError("exchange.entities_unreadable", file=file, reason=error) from error
    given = document if isinstance(document, list) else [document]
    judged = [_judged(one, file, name, own) for one in given]
    unfit = [one for _, one in judged if one.unfit]
    used = sorted({model for model, _ in judged})
    return Validation(
        model=", ".join(used), checked=len(given), unfit=len(unfit), entities=unfit, after=None
    )


def _judged(document: Json, file: Path, name: str, own: Model | None) -> tuple[str, UnfitEntity]:
    if not isinstance(document, dict):
        raise InvalidInputError("exchange.entities_unreadable", file=file, reason=type(document))
    kinds = document.get("type")
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    judge = own or shipped(name or str(kind))
    if judge is None:
        raise InvalidInputError("exchange.type_without_model", type=kind)
    named = str(document.get("id", ""))
    return judge.name, UnfitEntity(named, _unfit(judge, document))


def _unfit(judge: Model, document: Mapping[str, Json]) -> Sequence[Unfit]:
    bare = {name: value for name, value in document.items() if name != "@context"}
    if any(_is_attribute(value) for name, value in bare.items() if name not in {"id", "type"}):
        return judge.unfit(read_entity(bare, CORE, SystemClock().now()))
    return judge.unfit_document(bare)


def _is_attribute(value: Json) -> bool:
    return isinstance(value, dict) and value.get("type") in _KINDS


def _show_validation(found: Validation) -> None:
    for one in found.entities:
        for place in one.unfit:
            typer.echo(f"{one.id} {place.told}")
    told: dict[str, Any] = {
        "checked": found.checked,
        "unfit": found.unfit,
        "model": found.model,
    }
    typer.echo(sentence(told_language(), "exchange.types.validated", **told))


def _row(one: TypeSummary, language: Language) -> tuple[str, ...]:
    newest = one.observed_at or one.changed_at
    models = [f"{held.name} ({held.mode})" for held in one.models]
    return (
        one.name,
        str(one.entities),
        "" if newest is None else _instant(newest),
        "" if one.score is None else f"{one.score:.0%}",
        ", ".join(models) or (f"({one.suggested})" if one.suggested else ""),
        ", ".join(_feeders(one, language)),
        ", ".join(dict.fromkeys(held.owner or held.treatment for held in one.owners)),
        ", ".join(one.attributes),
    )


def _feeders(one: TypeSummary, language: Language) -> Iterator[str]:
    for fed in one.fed_by:
        is_flow = fed.kind is FeedingKind.FLOW
        yield sentence(language, "exchange.types.flow", name=fed.name) if is_flow else fed.name


def _instant(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
