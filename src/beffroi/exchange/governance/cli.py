"""Commands on the register and on persons' rights: parse, call one verb, show."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from beffroi.exchange.governance.subjects import Erasure
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import JsonOption, platform, show_json, told_language

_API: Final = "/api/exchange"
_FORMATS: Final = {".ods": "ods", ".csv": "csv"}
_OUT = Annotated[Path, typer.Option("--out", help="File to write: .ods, or .csv.")]
_ZIP = Annotated[Path, typer.Option("--out", help="ZIP archive to write.")]
_OF = Annotated[str, typer.Option("--of", help="Whose register; left out: one's own.")]
_SUBJECT = Annotated[str, typer.Argument(help="What the person is called: urn:ngsi-ld:Person:1.")]

subject_group = typer.Typer(
    name="subject", help="A person's rights: what is held about them.", no_args_is_help=True
)


def register(out: _OUT, of: _OF = "") -> None:
    """Write the register of treatments, with the fields of the CNIL's."""
    kind = _FORMATS.get(out.suffix.lower())
    if kind is None:
        known = ", ".join(_FORMATS)
        raise InvalidInputError("exchange.register_format", file=str(out), known=known)
    asked = f"?organisation={quote(of)}" if of else ""
    out.write_bytes(platform().content(f"{_API}/register.{kind}{asked}"))
    _show_written(out)


@subject_group.command("export")
def export_subject(subject: _SUBJECT, out: _ZIP) -> None:
    """Hand over what is held about a person: entities, history, and who read them."""
    out.write_bytes(platform().content(f"{_API}/subjects/export?id={quote(subject)}"))
    _show_written(out)


@subject_group.command("erase")
def erase_subject(
    subject: _SUBJECT,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from entities, history, log, notifications and journals; for good."""
    language = told_language()
    if not yes:
        typer.confirm(sentence(language, "exchange.subjects.sure", id=subject), abort=True)
    erasure = platform().ask("DELETE", f"{_API}/subjects?id={quote(subject)}", Erasure)
    if as_json:
        show_json(erasure)
        return
    told = {**erasure.counts, "mark": erasure.mark}
    typer.echo(sentence(language, "exchange.subjects.erased", **told))
    if erasure.left:
        tables = ", ".join(erasure.left)
        typer.echo(sentence(language, "exchange.subjects.left", tables=tables))
        raise typer.Exit(1)


def _show_written(file: Path) -> None:
    typer.echo(sentence(told_language(), "exchange.subjects.exported", file=str(file)))
