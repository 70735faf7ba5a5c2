"""Reading a file of another domain as a territory file is read: all mistakes, each in place."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from beffroi.territory.documents import Document, read_document
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Mistake, in_order
from beffroi.territory.schema import file_schema
from beffroi.territory.shape import shape_findings

StructT = TypeVar("StructT", bound=msgspec.Struct)


def load_declared(
    file: Path,
    kind: type[StructT],
    sections: Mapping[str, type[msgspec.Struct]],
    mistakes: Callable[[StructT], Iterable[Mistake]],
) -> StructT:
    """Read and check a YAML file.

    Args:
        file: The file.
        kind: What it holds; a field of ``Decimal`` takes a number as written, exactly.
        sections: Its mappings from a name to a noun, whose field ``name`` is its key.
        mistakes: What its nouns must agree on, asked once their shape is right.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """
    document = read_document(file)
    schema = file_schema(kind, tuple(noun.__name__ for noun in sections.values()))
    told = {finding.path for finding in document.findings}
    shape = [one for one in shape_findings(document, schema) if one.path not in told]
    found = [*document.findings, *shape]
    if found:
        raise TerritoryInvalidError(in_order(found))
    value = msgspec.convert(_named(document, sections), kind)
    wrong = [document.located(mistake) for mistake in mistakes(value)]
    if wrong:
        raise TerritoryInvalidError(in_order(wrong))
    return value


def _named(document: Document, sections: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    return {
        key: {name: {**entry, "name": name} for name, entry in value.items()}
        if key in sections
        else value
        for key, value in document.data.items()
    }
