"""Commands on territory files that need no server, and how differences are written."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.command_line import told_language
from beffroi.territory.difference import Change, ChangeKind
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.loading import load_territory

_SIGNS: Final = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.REMOVED: "-"}


def check(
    file: Annotated[Path, typer.Argument(help="The territory file.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as one JSON list.")
    ] = False,
    language: Annotated[
        Language,
        typer.Option(
            envvar="BEFFROI_LANGUAGE",
            default_factory=told_language,
            help="Language of the sentences.",
        ),
    ],
) -> None:
    """Check a territory file and show all its mistakes, each with its line and its remedy."""
    try:
        territory = load_territory(file).territory
    except TerritoryInvalidError as error:
        typer.echo(_json_of(error, language) if as_json else error.told(language), err=not as_json)
        raise typer.Exit(1) from error
    counts = {
        section: len(getattr(territory, section))
        for section in ("organisations", "sites", "hosts", "applications")
    }
    passed = sentence(language, "territory.check.passed", name=territory.name, **counts)
    typer.echo("[]" if as_json else passed)


def rendered_difference(changes: Sequence[Change], language: Language) -> str:
    """Write changes for people: one line per noun, one per field below it."""
    if not changes:
        return sentence(language, "territory.changes.none")
    return "\n".join(line for change in changes for line in _lines(change, language))


def _lines(change: Change, language: Language) -> Iterator[str]:
    noun = sentence(language, f"territory.nouns.{change.noun}")
    yield f"{_SIGNS[change.kind]} {noun} {change.name}"
    for field in change.fields:
        before, after = _told(field.before, language), _told(field.after, language)
        yield f"    {field.path}: {before} → {after}"


def _told(value: object, language: Language) -> str:
    if value is None:
        return sentence(language, "territory.changes.absent")
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()


def _json_of(error: TerritoryInvalidError, language: Language) -> str:
    return msgspec.json.format(msgspec.json.encode(error.findings(language)), indent=2).decode()
