"""The shape of a file: its JSON Schema, each breach said as a mistake of ours."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from beffroi.territory import formats
from beffroi.territory.documents import Document
from beffroi.territory.findings import Finding, KeyPath, Mistake

PATTERN_CODES: Final = {
    formats.SLUG: "territory.not_a_slug",
    formats.HOST_NAME: "territory.not_a_host_name",
    formats.ENVIRONMENT_NAME: "territory.not_an_environment_name",
    formats.QUERY_NAME: "territory.not_a_query_name",
    formats.COOKIE_NAME: "territory.not_a_cookie_name",
    formats.ENTRY: "territory.not_an_entry",
    formats.URL_PATH: "territory.not_a_url_path",
    formats.REQUEST_PATH: "territory.not_a_url_path",
    formats.REDIRECT_TARGET: "territory.not_a_redirect_target",
    formats.RELATIVE_PATH: "territory.not_a_relative_path",
    formats.INCLUDE_GLOB: "territory.not_an_include",
    formats.GIT_URL: "territory.not_a_git_url",
    formats.GIT_REF: "territory.not_a_git_ref",
    formats.OBJECT_IDENTIFIER: "territory.not_an_object_identifier",
    formats.MQTT_TOPIC: "territory.not_an_mqtt_topic",
}
TYPE_CODES: Final = {
    "string": "territory.expected_text",
    "integer": "territory.expected_integer",
    "number": "territory.expected_number",
    "boolean": "territory.expected_boolean",
    "array": "territory.expected_list",
    "object": "territory.expected_mapping",
}
VALUE_CODES: Final = {
    "enum": "territory.not_a_choice",
    "minimum": "territory.below_minimum",
    "maximum": "territory.above_maximum",
    "minLength": "territory.text_empty",
    "maxLength": "territory.text_too_long",
    "minItems": "territory.list_empty",
    "format": "territory.not_a_date",
}


def shape_findings(document: Document, schema: Mapping[str, Any]) -> list[Finding]:
    """Return every breach of a schema in a file, each at its place."""
    if document.root is None:
        return []
    mistakes = (
        mistake
        for error in _validator(schema).iter_errors(document.data)
        for mistake in _mistakes(_breach(error), document)
    )
    return [document.located(mistake) for mistake in mistakes]


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the known name that looks most like a given one, or nothing when none is known."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=0)), "")


class _Breach(msgspec.Struct, frozen=True):
    """A keyword of the schema that a value breaks."""

    keyword: str
    bound: Any
    value: Any
    path: KeyPath
    known: tuple[str, ...]
    of_name: bool


def _validator(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - made at run time
    """Make the validator; unlike JSON Schema's own, its integers exclude 1.0."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    strict = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return strict(schema, format_checker=FormatChecker(("date",)))


def _breach(error: ValidationError) -> _Breach:
    schema = error.schema if isinstance(error.schema, dict) else {}
    return _Breach(
        keyword=str(error.validator),
        bound=error.validator_value,
        value=error.instance,
        path=tuple(error.absolute_path),
        known=tuple(schema.get("properties", ())),
        of_name="propertyNames" in error.schema_path,
    )


def _mistakes(breach: _Breach, document: Document) -> Iterator[Mistake]:
    values = {"bound": breach.bound}
    if breach.value is None:
        yield Mistake("territory.no_value", breach.path, at_key=True)
    elif breach.of_name:
        path = (*breach.path, breach.value)
        yield Mistake(_code(breach), path, {**values, "found": breach.value}, at_key=True)
    elif breach.keyword == "additionalProperties":
        yield from _unknown_keys(breach)
    elif breach.keyword == "required":
        yield from _missing_keys(breach)
    else:
        values = {**values, "found": document.told(breach.path), **_choices(breach)}
        yield Mistake(_code(breach), breach.path, values)


def _code(breach: _Breach) -> str:
    if breach.keyword == "type":
        return TYPE_CODES[breach.bound]
    if breach.keyword == "pattern":
        return PATTERN_CODES.get(breach.bound, "territory.not_of_the_form")
    return VALUE_CODES[breach.keyword]


def _choices(breach: _Breach) -> dict[str, str]:
    if breach.keyword != "enum":
        return {}
    nearest_choice = nearest(str(breach.value), breach.bound)
    return {"choices": ", ".join(breach.bound), "nearest": nearest_choice}


def _unknown_keys(breach: _Breach) -> Iterator[Mistake]:
    for key in breach.value:
        if key not in breach.known:
            found = nearest(key, breach.known)
            values = {"key": key, "nearest": found, "known": ", ".join(breach.known)}
            yield Mistake("territory.unknown_key", (*breach.path, key), values, at_key=True)


def _missing_keys(breach: _Breach) -> Iterator[Mistake]:
    for key in breach.bound:
        if key not in breach.value:
            yield Mistake("territory.missing_key", (*breach.path, key), {"key": key}, at_key=True)
