"""The reference pages, made from the code: settings, territory, commands.

``python -m beffroi.app.reference docs`` writes them; a test compares them with the code.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_type_hints

import msgspec
from typer.models import ArgumentInfo, CommandInfo, OptionInfo, ParameterInfo, TyperInfo

from beffroi.app.cli import program
from beffroi.app.settings import Settings
from beffroi.territory import model
from beffroi.territory.schema import json_schema

_MADE: Final = "<!-- Made from the code by `make docs`; what is written here is overwritten. -->"
_SETTINGS: Final = f"""\
# Settings
{_MADE}

A setting comes from the environment (`BEFFROI_HTTPS_PORT=8443`), else from `beffroi.toml` in the
data folder (`https_port = 8443`), else from its default. An unknown name is refused and the nearest
known one is told. In the environment a list is written with commas.
"""
_ENVIRONMENT: Final = {
    "BEFFROI_DATA": "Data folder that commands look in, and that `up` takes without `--data`; "
    "default: `/var/lib/beffroi` for root, else `beffroi` in `$XDG_DATA_HOME` or `~/.local/share`.",
    "BEFFROI_DATABASE_URL": "URL of your own PostgreSQL. It holds a password: it is read from the "
    "environment or from the file that `database_url_file` names, never from `beffroi.toml`.",
    "BEFFROI_LANGUAGE": "Language of the command line, `fr` or `en`; default: the locale's.",
    "BEFFROI_URL": "Address of a platform elsewhere, for commands; default: the one here.",
    "BEFFROI_TOKEN": "Token of the asker, sent to `BEFFROI_URL`.",
}
_TERRITORY: Final = f"""\
# The territory file
{_MADE}

`territory.yaml` declares what a territory is made of. `beffroi check FILE` reads it and says every
mistake with its line; [territory.schema.json](territory.schema.json) lets an editor complete and
check it: begin the file with `# yaml-language-server: $schema=territory.schema.json`. A file that
is included may hold every key of TerritoryFile but `territory`.
"""
_BAR_IN_TABLE: Final = "\\|"
_COMMANDS: Final = f"""\
# Commands
{_MADE}

`beffroi COMMAND --help` says the same. Commands reach the platform of `BEFFROI_DATA` through its
socket, or the one of `BEFFROI_URL` with `BEFFROI_TOKEN`; `up`, `doctor`, `check` and `schema` need
none. Long work is followed to its end; a refusal or a failure ends the command with status 1.
"""


def pages() -> Mapping[str, str]:
    """Return every page by its file name."""
    schema = msgspec.json.encode(json_schema(), order="sorted")
    return {
        "settings.md": _settings_page(),
        "territory.md": _territory_page(),
        "territory.schema.json": msgspec.json.format(schema, indent=2).decode() + "\n",
        "commands.md": _commands_page(),
    }


def write(folder: Path) -> None:
    """Write every page into a folder."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _settings_page() -> str:
    found: dict[str, Any] = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    rows = (
        (f"`{name}`", _told_shape(field, {}), _told_default(field), _escaped(field["description"]))
        for name, field in found.items()
    )
    variables = ((f"`{name}`", told) for name, told in _ENVIRONMENT.items())
    return "\n".join(
        (
            _SETTINGS,
            *_table(("setting", "value", "default", "meaning"), rows),
            "\n## Environment only\n",
            *_table(("variable", "meaning"), variables),
            "",
        )
    )


def _territory_page() -> str:
    definitions: dict[str, Any] = json_schema()["$defs"]
    lines = [_TERRITORY]
    for name, noun in definitions.items():
        if "properties" in noun:
            lines += [f"## {name}\n", f"{noun['description']}\n"]
            rows = _rows_of_noun(name, definitions)
            lines += [*_table(("key", "value", "default", "meaning"), rows), ""]
    return "\n".join(lines)


def _rows_of_noun(name: str, definitions: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    # The schema leaves out the default of a field whose type it defines elsewhere.
    fields = {one.name: one.default for one in msgspec.structs.fields(getattr(model, name))}
    for key, field in definitions[name]["properties"].items():
        default = fields[key]
        if key in definitions[name]["required"]:
            told = "required"
        elif isinstance(default, StrEnum):
            told = f"`{default}`"
        else:
            told = _told_default(field)
        shape = _told_shape(field, definitions)
        yield f"`{key}`", shape, told, _escaped(field["description"])


def _commands_page() -> str:
    lines = [_COMMANDS]
    panel = ""
    for command in program.registered_commands:
        if command.rich_help_panel != panel:
            panel = str(command.rich_help_panel)
            lines.append(f"## {panel}\n")
        lines += _command_lines(command)
    for group in program.registered_groups:
        lines.append(f"## {group.rich_help_panel}\n")
        lines += _group_lines(group)
    return "\n".join(lines)


def _group_lines(group: TyperInfo, above: str = "") -> Iterator[str]:
    """Tell the commands of a group, then those of the groups in it."""
    if group.typer_instance is None:
        return
    path = f"{above}{group.typer_instance.info.name} "
    for command in group.typer_instance.registered_commands:
        yield from _command_lines(command, path)
    for inner in group.typer_instance.registered_groups:
        yield from _group_lines(inner, path)


def _command_lines(command: CommandInfo, group: str = "") -> Iterator[str]:
    if command.callback is None:
        raise TypeError(f"the command {command.name} does nothing")
    parameters = inspect.signature(command.callback).parameters
    hints = get_type_hints(command.callback, include_extras=True)
    usage, rows = [f"beffroi {group}{command.name}"], []
    for name, parameter in parameters.items():
        kind, info = get_args(hints[name])[:2]
        optional = parameter.default is not inspect.Parameter.empty
        word = _told_word(name, kind, info)
        usage.append(f"[{word}]" if optional else word)
        default = f" Default: `{parameter.default}`." if _tells(parameter.default) else ""
        rows.append((f"`{word}`", _escaped(f"{info.help}{default}{_told_variable(info)}")))
    yield f"### `{' '.join(usage)}`\n"
    yield f"{inspect.getdoc(command.callback)}\n"
    if rows:
        yield from (*_table(("argument", "meaning"), rows), "")


def _told_word(name: str, kind: object, info: ParameterInfo) -> str:
    """Write a parameter as it is typed: ``FILE``, ``--lines N, -n N``."""
    if isinstance(info, ArgumentInfo):
        return name.upper().replace("_", "-")
    if not isinstance(info, OptionInfo):
        raise TypeError(f"the parameter {name} is neither an argument nor an option")
    # In an annotation, the first name of an option stands where its default would.
    first = [info.default] if isinstance(info.default, str) else []
    names = [*first, *(info.param_decls or ())] or [f"--{name.replace('_', '-')}"]
    value = "" if kind is bool else f" {_told_value(name, kind)}"
    return ", ".join(f"{one}{value}" for one in names)


def _told_value(name: str, kind: object) -> str:
    members = getattr(kind, "__members__", None)
    if members is not None:
        return "|".join(members.values())
    whole = int in get_args(kind) if isinstance(kind, UnionType) else kind is int
    return "N" if whole else name.upper()


def _told_variable(info: ParameterInfo) -> str:
    return f" Environment: `{info.envvar}`." if isinstance(info.envvar, str) else ""


def _tells(default: object) -> bool:
    """Tell whether a default is worth writing: neither nothing nor a switch that is off."""
    return default not in (inspect.Parameter.empty, None, "", False)


def _told_shape(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say which values a field takes, with their bounds."""
    if "$ref" in field:
        return _told_reference(field["$ref"].rpartition("/")[2], definitions)
    match field["type"]:
        case "array":
            told = f"list of {_told_shape(field['items'], definitions)}"
        case "object":
            told = f"mapping of names to {_told_shape(field['additionalProperties'], definitions)}"
        case "integer" | "number":
            told = _told_number(field)
        case "boolean":
            told = "true or false"
        case _:
            most = field.get("maxLength")
            told = "text" if most is None else f"text, {most} characters at most"
    return told


def _told_reference(name: str, definitions: Mapping[str, Any]) -> str:
    if "enum" in definitions[name]:
        return ", ".join(f"`{one}`" for one in definitions[name]["enum"])
    return f"[{name}](#{name.lower()})"


def _told_number(field: Mapping[str, Any]) -> str:
    kind = "whole number" if field["type"] == "integer" else "number"
    if "minimum" in field and "maximum" in field:
        return f"{kind}, {field['minimum']} to {field['maximum']}"
    return kind


def _told_default(field: Mapping[str, Any]) -> str:
    if "default" not in field:
        return ""
    default = field["default"]
    if isinstance(default, str):
        return f"`{default}`" if default else "empty"
    return f"`{msgspec.json.encode(default).decode()}`"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', _BAR_IN_TABLE) for cell in row)} |"


def _escaped(text: str) -> str:
    """Keep what looks like a tag from being taken for one."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def main() -> None:
    """Write the pages into the folder that the command line names."""
    write(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
