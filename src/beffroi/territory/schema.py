"""The JSON Schema of territory files, for editors and for our own checks.

``python -m beffroi.territory.schema`` prints it.
"""

import sys
from collections.abc import Collection
from typing import Any, Final

import msgspec

from beffroi.territory.model import TerritoryFile

_KEYED: Final = ("Organisation", "Site", "Host", "Application", "Job")


def json_schema() -> dict[str, Any]:
    """Return the schema of ``territory.yaml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:beffroi:territory",
        "title": "territory.yaml",
        "description": "The declaration of a territory: what beffroi hosts, where, for whom.",
        **file_schema(TerritoryFile),
    }


def file_schema(kind: type[msgspec.Struct], keyed: Collection[str] = _KEYED) -> dict[str, Any]:
    """Return the schema of one kind of file.

    Args:
        kind: What the file holds.
        keyed: Nouns whose name is their key, never a field.
    """
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for name in keyed:
        del definitions[name]["properties"]["name"]
        definitions[name]["required"].remove("name")
    for definition in definitions.values():
        _drop_empty_defaults(definition)
    written = msgspec.json.encode({**root, "$defs": definitions})
    schema: dict[str, Any] = msgspec.json.decode(written)
    _write_decimals_as_numbers(schema)
    _write_optional_as_absent(schema)
    return schema


def _write_decimals_as_numbers(node: object) -> None:
    """Ask for a number where msgspec asks for the text of one."""
    if isinstance(node, list):
        for inner in node:
            _write_decimals_as_numbers(inner)
    elif isinstance(node, dict):
        if node.get("format") == "decimal":
            del node["format"]
            node["type"] = "number"
        for inner in node.values():
            _write_decimals_as_numbers(inner)


def _write_optional_as_absent(node: object) -> None:
    """Take ``null`` out of what a file may leave out: absence is written by writing nothing."""
    if isinstance(node, list):
        for inner in node:
            _write_optional_as_absent(inner)
    elif isinstance(node, dict):
        kinds = [kind for kind in node.get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            del node["anyOf"]
            node.pop("default", None)
            node.update(kinds[0])
        for inner in node.values():
            _write_optional_as_absent(inner)


def _drop_empty_defaults(definition: dict[str, Any]) -> None:
    """Take out the defaults that only stand for an absent key."""
    for field in definition.get("properties", {}).values():
        if field.get("default") in ("", (), {}) or "$ref" in field:
            field.pop("default", None)


def main() -> None:
    """Print the schema."""
    text = msgspec.json.format(msgspec.json.encode(json_schema(), order="sorted"), indent=2)
    sys.stdout.write(text.decode() + "\n")


if __name__ == "__main__":
    main()
