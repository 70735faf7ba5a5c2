"""The schema that editors read is the one that files are checked against."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from beffroi.territory import schema
from beffroi.territory.schema import json_schema
from beffroi.territory.shape import PATTERN_CODES, TYPE_CODES, VALUE_CODES


def _nodes(part: object) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [node for item in part for node in _nodes(item)]
    if not isinstance(part, dict):
        return []
    return [part, *(node for item in part.values() for node in _nodes(item))]


def _fields() -> list[tuple[str, dict[str, Any]]]:
    definitions = json_schema()["$defs"]
    return [
        (f"{noun}.{name}", field)
        for noun, definition in definitions.items()
        for name, field in definition.get("properties", {}).items()
    ]


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$id"] == "urn:beffroi:territory"


def test_it_is_the_same_at_each_call() -> None:
    assert msgspec.json.encode(json_schema()) == msgspec.json.encode(json_schema())


@pytest.mark.parametrize(("name", "field"), _fields(), ids=[name for name, _ in _fields()])
def test_every_field_has_a_description(name: str, field: dict[str, Any]) -> None:
    assert field.get("description"), name


@pytest.mark.parametrize(("name", "field"), _fields(), ids=[name for name, _ in _fields()])
def test_every_number_has_bounds(name: str, field: dict[str, Any]) -> None:
    if field.get("type") in {"integer", "number"}:
        assert {"minimum", "maximum"} <= field.keys(), name
    assert field.keys().isdisjoint({"exclusiveMinimum", "exclusiveMaximum"})


def test_every_pattern_has_a_sentence() -> None:
    patterns = {node["pattern"] for node in _nodes(json_schema()) if "pattern" in node}
    assert patterns == PATTERN_CODES.keys()


def test_every_keyword_has_a_sentence() -> None:
    told = {*VALUE_CODES, "type", "pattern", "required", "additionalProperties", "propertyNames"}
    silent = {"$schema", "$id", "$ref", "$defs", "title", "description", "default", "properties"}
    keywords = {
        key
        for definition in json_schema()["$defs"].values()
        for node in (definition, *definition.get("properties", {}).values())
        for key in node
    }
    assert keywords <= told | silent | {"items"}


def test_every_type_has_a_sentence() -> None:
    types = {node["type"] for node in _nodes(json_schema()) if isinstance(node.get("type"), str)}
    assert types == TYPE_CODES.keys()


def test_a_noun_does_not_write_its_own_name() -> None:
    assert "name" not in json_schema()["$defs"]["Application"]["properties"]


def test_the_module_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    schema.main()
    assert msgspec.json.decode(capsys.readouterr().out) == json_schema()
