"""From bytes to YAML nodes, with every refusal said in our own words."""

import re
from pathlib import Path
from typing import Final, cast

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent

from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, Mistake, Place

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 16

# Part of the parser's words, our code, and whether what was opened matters more than where it
# failed. Source: the problem strings of libyaml's scanner.c and parser.c, and PyYAML's _yaml.pyx.
_PROBLEMS: Final = (
    ("mapping values are not allowed", "territory.yaml_colon", False),
    ("found undefined alias", "territory.yaml_unknown_anchor", False),
    ("found another document", "territory.yaml_second_document", False),
    ("found unexpected end of stream", "territory.yaml_unclosed_quote", True),
    ("did not find expected ',' or", "territory.yaml_unclosed_bracket", True),
    ("did not find expected node content", "territory.yaml_missing_value", False),
    ("did not find expected key", "territory.yaml_indentation", False),
    ("did not find expected '-'", "territory.yaml_indentation", False),
    ("cannot start any token", "territory.yaml_reserved_character", False),
)
_LINE_BREAK: Final = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_UNPRINTABLE: Final = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def bytes_of(file: Path) -> bytes:
    """Read a file of a bounded size.

    Raises:
        TerritoryInvalidError: It is missing, too large, or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise _refused(file, "territory.file_missing") from error
    except OSError as error:
        raise _refused(file, "territory.file_unreadable", reason=error.strerror) from error
    if len(content) > MAX_FILE_BYTES:
        raise _refused(file, "territory.file_too_large", maximum_mib=MAX_FILE_BYTES >> 20)
    return content


def text_of(file: Path, content: bytes) -> str:
    """Decode a file, which must be UTF-8 and printable.

    Raises:
        TerritoryInvalidError: It is not; the place of the first wrong character is told.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        raise _refused(file, "territory.file_not_utf8", _end_of(file, before)) from error
    wrong = _UNPRINTABLE.search(text)
    if wrong is not None:
        place = _end_of(file, text[: wrong.start()])
        raise _refused(file, "territory.control_character", place, found=f"U+{ord(wrong[0]):04X}")
    return text


def root_of(file: Path, text: str) -> yaml.MappingNode:
    """Compose the one mapping of a file.

    Raises:
        TerritoryInvalidError: The text is not YAML, or not a mapping.
    """
    try:
        _check_depth(file, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_refusal(file, text, error) from error
    if node is None:
        raise _refused(file, "territory.file_empty")
    if not isinstance(node, yaml.MappingNode):
        raise _refused(file, "territory.root_not_mapping", place_of(file, node))
    return node


def place_of(file: Path, node: yaml.Node) -> Place:
    """Tell where a node starts."""
    return _place_at(file, node.start_mark)


def _check_depth(file: Path, text: str) -> None:
    """Refuse deep nesting before composing, whose recursion in C would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            place = _place_at(file, cast("yaml.error.Mark", event.start_mark))
            raise _refused(file, "territory.too_deep", place, maximum=MAX_DEPTH)


def _syntax_refusal(file: Path, text: str, error: yaml.MarkedYAMLError) -> TerritoryInvalidError:
    problem = error.problem or ""
    known = ((code, opening) for fragment, code, opening in _PROBLEMS if fragment in problem)
    code, told_at_opening = next(known, ("territory.yaml_syntax", False))
    place = _place_at(file, error.context_mark if told_at_opening else error.problem_mark)
    found = _character_at(text, place)
    if found == "\t":
        code = "territory.yaml_tab"
    return _refused(file, code, place, found=found, problem=problem)


def _character_at(text: str, place: Place) -> str:
    lines = _LINE_BREAK.split(text)
    return lines[place.line - 1][place.column - 1 :][:1] if place.line <= len(lines) else ""


def _place_at(file: Path, mark: yaml.error.Mark | None) -> Place:
    return Place(str(file), mark.line + 1, mark.column + 1) if mark else Place(str(file))


def _end_of(file: Path, before: str) -> Place:
    line_start = before.rfind("\n") + 1
    column = len(before[line_start:].removeprefix("\ufeff")) + 1
    return Place(str(file), before.count("\n") + 1, column)


def _refused(
    file: Path, code: str, place: Place | None = None, **values: object
) -> TerritoryInvalidError:
    mistake = Mistake(code, values=values)
    return TerritoryInvalidError((Finding.of(mistake, place or Place(str(file))),))
