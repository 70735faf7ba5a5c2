"""Plain attributes are read in one go, and as the general reader reads them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from beffroi.exchange.contexts.resolving import CORE as CORE_CONTEXT
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import LOCATION, Attribute
from beffroi.exchange.representation.attribute_reading import AttributeReader
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.names import NULL, PROOF
from beffroi.exchange.representation.plain_reading import plain_attribute, plain_fragment
from beffroi.exchange.representation.values import KINDS

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
TEMPERATURE = "https://uri.etsi.org/ngsi-ld/default-context/temperature"
IRIS = some.sampled_from([TEMPERATURE, LOCATION, PROOF])
INSTANTS = some.sampled_from(
    [
        *("2026-11-22T08:00:00Z", "2026-11-22T08:00:00.123Z", "2026-11-22T08:00:00.120Z"),
        *("2026-11-22T08:00:00.000Z", "2026-11-22T08:00:00,123Z", "2026-11-22T08:00:00.123456Z"),
        *("2026-11-22T08:00:60Z", "2026-02-30T08:00:00Z", "2026-11-22T08:00:00+00:00"),
        *("0001-01-01T00:00:00Z", "2026-11-22 08:00:00Z", "2026-W47-7T08:00:00Z", "2026-11-22"),
    ]
)
WORDS = some.sampled_from(["", NULL, "CEL", "urn:ngsi-ld:Device:1", "no uri", "urn:x:é", "Point"])
NUMBERS = some.integers(-200, 200) | some.floats(-200, 200)
POINTS = some.fixed_dictionaries(
    {"type": some.sampled_from(["Point", "LineString", "Property"])},
    optional={"coordinates": some.lists(NUMBERS | WORDS, max_size=3), "more": WORDS},
)
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | WORDS | INSTANTS | POINTS,
    lambda inner: some.lists(inner, max_size=3),
    max_leaves=4,
)
MEMBERS = some.fixed_dictionaries(
    {},
    optional={
        "type": some.sampled_from(sorted(KINDS)) | VALUES,
        "value": VALUES,
        "object": VALUES,
        "unitCode": VALUES,
        "observedAt": INSTANTS | VALUES,
        "datasetId": VALUES,
        "accuracy": VALUES,
        "createdAt": VALUES,
    },
)
OTHERS = some.sampled_from(["datasetId", "accuracy", "createdAt", "@type", "unitCode", "object"])
NEARLY_PLAIN = some.one_of(
    some.builds(
        lambda kind, value, told, other: {**kind, **value, **told, **other},
        some.fixed_dictionaries({"type": some.sampled_from(["Property", "GeoProperty"])}),
        some.fixed_dictionaries({"value": NUMBERS | WORDS | POINTS}),
        some.fixed_dictionaries({}, optional={"observedAt": INSTANTS, "unitCode": WORDS}),
        some.just({}) | some.dictionaries(OTHERS, WORDS, max_size=1),
    ),
    some.fixed_dictionaries(
        {"type": some.just("Relationship"), "object": WORDS},
        optional={"observedAt": INSTANTS, "unitCode": WORDS, "objectType": WORDS},
    ),
)
DOCUMENTS = NEARLY_PLAIN | MEMBERS | VALUES


class General(AttributeReader):
    """Reads as if no shape were plain."""

    def attributes(self, iri: str, name: str, document: Any) -> tuple[Attribute, ...]:
        return tuple(one.attribute() for one in self._instances(iri, name, document, 1))

    def fragments(self, iri: str, name: str, document: Any) -> tuple[AttributeFragment, ...]:
        return tuple(one.fragment() for one in self._instances(iri, name, document, 1))


@settings(max_examples=500)
@given(iri=IRIS, document=DOCUMENTS)
@example(iri=TEMPERATURE, document={"type": "Property", "value": 1, "observedAt": None})
@example(iri=TEMPERATURE, document={"type": "Relationship", "object": NULL})
@example(iri=LOCATION, document=21.5)
@example(iri=LOCATION, document={"type": "Property", "value": 21.5})
@example(iri=TEMPERATURE, document={"type": "Property", "value": 1, "datasetId": "urn:x:1"})
@example(
    iri=TEMPERATURE,
    document={"type": "Property", "value": 1, "observedAt": "2026-11-22T08:00:00.000Z"},
)
@example(
    iri=TEMPERATURE,
    document={"type": "Property", "value": 1, "observedAt": "2026-11-22T08:00:00,123Z"},
)
def test_what_is_read_in_one_go_is_what_the_general_reader_reads(iri: str, document: Any) -> None:
    plain = plain_attribute(iri, document, NOW)
    if plain is not None:
        assert (plain,) == General(CORE_CONTEXT, NOW).attributes(iri, "temperature", document)


@given(iri=IRIS, document=DOCUMENTS)
def test_what_is_not_plain_is_answered_as_the_general_reader_answers(
    iri: str, document: Any
) -> None:
    assert _outcome(AttributeReader(CORE_CONTEXT, NOW), iri, document) == _outcome(
        General(CORE_CONTEXT, NOW), iri, document
    )


@settings(max_examples=500)
@given(iri=IRIS, document=DOCUMENTS)
def test_a_part_that_is_plain_is_what_the_general_reader_reads(iri: str, document: Any) -> None:
    plain = plain_fragment(iri, "temperature", document)
    if plain is not None:
        reader = General(CORE_CONTEXT, None)
        assert (plain,) == reader.fragments(iri, "temperature", document)


def _outcome(reader: AttributeReader, iri: str, document: Any) -> object:
    try:
        return reader.attributes(iri, "temperature", document)
    except ExchangeError as error:
        return type(error), error.code, error.values


@pytest.mark.parametrize(
    "document",
    [
        *(21.5, 3, True, "a text"),
        {"type": "Property", "value": 21.5},
        {
            "type": "Property",
            "value": "x",
            "unitCode": "CEL",
            "observedAt": "2026-11-22T08:00:00Z",
        },
        {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [4.36, 43]}},
    ],
)
def test_what_sensors_send_is_plain(document: Any) -> None:
    assert plain_attribute(TEMPERATURE, document, NOW) is not None
    assert type(document) is not dict or plain_fragment(TEMPERATURE, "t", document) is not None
