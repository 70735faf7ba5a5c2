"""A few entities of a town, and the @context that they are written with."""

from datetime import UTC, datetime

from beffroi.exchange.contexts.terms import Context, read_terms
from beffroi.exchange.model import Entity, Iri, Json
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.representation.writing import Form, written

TOWN = "https://town.example/"
CORE = "https://uri.etsi.org/ngsi-ld/"
NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 7, 14, 9, 31, tzinfo=UTC)
NULL = "urn:ngsi-ld:null"

CONTEXT = Context(
    read_terms(
        [
            {name: TOWN + name for name in ("Bus", "Stop", "speed", "line", "name", "source")},
            {
                "ngsi-ld": CORE,
                "location": "ngsi-ld:location",
                "ngsildproof": "ngsi-ld:ngsildproof",
                "langString": "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
            },
        ]
    ),
    source="https://town.example/context.jsonld",
)

BUS: dict[str, Json] = {
    "id": "urn:ngsi-ld:Bus:12",
    "type": "Bus",
    "speed": [
        {"type": "Property", "value": 31, "unitCode": "KMH"},
        {
            "type": "Property",
            "value": 29.5,
            "datasetId": "urn:ngsi-ld:Dataset:gps",
            "observedAt": "2026-07-14T09:29:58Z",
            "source": {"type": "Property", "value": "GPS"},
        },
    ],
    "line": {"type": "Relationship", "object": "urn:ngsi-ld:Line:6"},
    "name": {"type": "LanguageProperty", "languageMap": {"fr": "Le six", "nl": "De zes"}},
    "location": {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [2.77, 50.29]},
    },
}


def iri(name: str) -> Iri:
    return CONTEXT.expand(name)


def bus(**members: Json) -> Entity:
    return read_entity({**BUS, **members}, CONTEXT, NOW)


def thing(**members: Json) -> Entity:
    """An entity that has only the attributes given."""
    return read_entity({"id": "urn:ngsi-ld:Bus:1", "type": "Bus", **members}, CONTEXT, NOW)


def normalized(entity: Entity) -> dict[str, Json]:
    return written(entity, CONTEXT, Form())
