"""The catalogue of open data, as DCAT-AP has it.

Source: SEMIC, DCAT-AP 3.0; its French profile's licence and vocabularies of the EU's Publications
Office.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from beffroi.exchange.governance.linked_data import Ref, Term, Text, Thing, Typed
from beffroi.exchange.governance.opendata import DescribedDataSet

PREFIXES: Final = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "geo": "http://www.opengis.net/ont/geosparql#",
}
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
_MEDIA: Final = "https://www.iana.org/assignments/media-types"
_NGSI_LD: Final = "https://www.etsi.org/deliver/etsi_gs/CIM/001_099/009/"
_LANGUAGE: Final = "fr"
Fact = tuple[str, Term]


class Publisher(msgspec.Struct, frozen=True):
    """Who publishes the catalogue.

    Attributes:
        titles: What organisations are called, by their names.
    """

    title: str
    url: str
    titles: dict[str, str] = {}


def catalogue(described: Sequence[DescribedDataSet], publisher: Publisher) -> list[Thing]:
    """Return what the catalogue tells: of itself, its data sets and their files."""
    url = publisher.url.rstrip("/")
    address = f"{url}/catalogue"
    facts: list[Fact] = [
        ("dct:title", Text(f"Données ouvertes : {publisher.title}", _LANGUAGE)),
        (
            "dct:description",
            Text(f"Jeux de données ouverts publiés par {publisher.title}.", _LANGUAGE),
        ),
        ("dct:publisher", Ref(f"{address}#publisher")),
        ("dct:language", Ref(f"{_AUTHORITY}/language/FRA")),
        ("foaf:homepage", Ref(f"{url}/")),
    ]
    facts += [("dcat:dataset", Ref(f"{url}{one.data_set.path}")) for one in described]
    things = [Thing(address, "dcat:Catalog", facts), _agent(address, publisher.title)]
    for one in described:
        things += _data_set(one, publisher, url)
    return things


def _agent(address: str, name: str) -> Thing:
    return Thing(f"{address}#publisher", "foaf:Agent", [("foaf:name", Text(name))])


def _data_set(described: DescribedDataSet, publisher: Publisher, url: str) -> Iterator[Thing]:
    data_set, extent = described.data_set, described.extent
    policy, address = data_set.policy, f"{url}{data_set.path}"
    several = len(policy.types) > 1
    title = policy.title or data_set.name
    title = f"{title} : {data_set.name}" if several and policy.title else title
    owner = publisher.titles.get(data_set.owner, data_set.owner) or publisher.title
    facts: list[Fact] = [
        ("dct:title", Text(title, _LANGUAGE)),
        ("dct:description", Text(policy.description or title, _LANGUAGE)),
        ("dct:identifier", Text(address)),
        ("dct:publisher", Ref(f"{address}#publisher")),
        ("dct:accrualPeriodicity", Ref(f"{_AUTHORITY}/frequency/{policy.frequency}")),
        ("dct:accessRights", Ref(f"{_AUTHORITY}/access-right/PUBLIC")),
        ("dct:language", Ref(f"{_AUTHORITY}/language/FRA")),
    ]
    facts += [("dcat:keyword", Text(one, _LANGUAGE)) for one in policy.keywords]
    facts += [("dcat:theme", Ref(f"{_AUTHORITY}/data-theme/{one}")) for one in policy.themes]
    things = [_agent(address, policy.publisher or owner)]
    if policy.contact:
        facts.append(("dcat:contactPoint", Ref(f"{address}#contact")))
        mail = Ref(f"mailto:{policy.contact.removeprefix('mailto:')}")
        named = ("vcard:fn", Text(policy.publisher or owner))
        things.append(Thing(f"{address}#contact", "vcard:Kind", [named, ("vcard:hasEmail", mail)]))
    if extent.changed_at is not None:
        facts.append(("dct:modified", Typed(extent.changed_at.isoformat(), "xsd:dateTime")))
    if extent.since is not None:
        facts.append(("dct:temporal", Ref(f"{address}#period")))
        start = ("dcat:startDate", Typed(extent.since.isoformat(), "xsd:dateTime"))
        things.append(Thing(f"{address}#period", "dct:PeriodOfTime", [start]))
    if extent.bounds is not None:
        facts.append(("dct:spatial", Ref(f"{address}#place")))
        box = ("dcat:bbox", Typed(_box(extent.bounds), "geo:wktLiteral"))
        things.append(Thing(f"{address}#place", "dct:Location", [box]))
    files = list(_distributions(described, url))
    facts += [("dcat:distribution", Ref(one.iri)) for one in files]
    yield Thing(address, "dcat:Dataset", facts)
    yield from things
    yield from files


def _distributions(described: DescribedDataSet, url: str) -> Iterator[Thing]:
    data_set = described.data_set
    address = f"{url}{data_set.path}"
    kinds = [
        ("csv", "CSV", "CSV", "text/csv", f"{address}.csv"),
        ("geojson", "GeoJSON", "GEOJSON", "application/geo+json", f"{address}.geojson"),
    ]
    if not data_set.policy.tenant:
        asked = f"{url}/ngsi-ld/v1/entities?type={quote(data_set.type, safe='')}&limit=1000"
        kinds.append(("ngsi-ld", "NGSI-LD", "JSON_LD", "application/ld+json", asked))
    for name, title, file_type, media_type, access in kinds:
        facts: list[Fact] = [
            ("dct:title", Text(f"{data_set.name} ({title})", _LANGUAGE)),
            ("dcat:accessURL", Ref(access)),
            ("dct:license", Ref(data_set.policy.licence)),
            ("dct:format", Ref(f"{_AUTHORITY}/file-type/{file_type}")),
            ("dcat:mediaType", Ref(f"{_MEDIA}/{media_type}")),
        ]
        if name == "ngsi-ld":
            facts.append(("dct:conformsTo", Ref(_NGSI_LD)))
        else:
            facts.append(("dcat:downloadURL", Ref(access)))
        yield Thing(f"{address}#{name}", "dcat:Distribution", facts)


def _box(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return f"POLYGON(({', '.join(f'{x} {y}' for x, y in corners)}))"
