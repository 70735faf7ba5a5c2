"""The catalogue says in JSON-LD what it says in Turtle, and all that DCAT-AP asks for."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import DCAT, DCTERMS, FOAF, RDF, Graph, URIRef
from rdflib.compare import to_isomorphic

from beffroi.exchange.governance.catalogue import PREFIXES, Publisher, catalogue
from beffroi.exchange.governance.declared import Frequency, Policy
from beffroi.exchange.governance.linked_data import Ref, Text, Thing, Typed, as_jsonld, as_turtle
from beffroi.exchange.governance.opendata import DataSet, DescribedDataSet
from beffroi.exchange.governance.opendata_store import Extent

# rdflib's own reader of JSON-LD makes one.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
AIR: Final = "https://uri.etsi.org/ngsi-ld/default-context/AirQualityObserved"
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
# DCAT-AP 3.0: what is mandatory, then what data.gouv.fr and the EU's portal look for.
WANTED: Final = {
    DCAT.Catalog: (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.dataset),
    DCAT.Dataset: (
        *(DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.distribution),
        *(DCTERMS.accrualPeriodicity, DCTERMS.spatial, DCTERMS.temporal, DCTERMS.modified),
        *(DCAT.theme, DCAT.keyword, DCAT.contactPoint),
    ),
    DCAT.Distribution: (DCAT.accessURL, DCTERMS.license, DCTERMS.format, DCAT.mediaType),
    FOAF.Agent: (FOAF.name,),
    DCTERMS.PeriodOfTime: (DCAT.startDate,),
    DCTERMS.Location: (DCAT.bbox,),
}


def described(**policy: object) -> DescribedDataSet:
    told = {
        "name": "air",
        "to": ("public",),
        "types": ("AirQualityObserved",),
        "title": 'Qualité de l\'air "mesurée"\n<ici>',
        "contact": "air@arras.fr",
        "frequency": Frequency.HOURLY,
        "themes": ("ENVI",),
        "keywords": ("air", "ozone"),
        **policy,
    }
    data_set = DataSet("arras", Policy(**told), AIR, "AirQualityObserved")  # type: ignore[arg-type]
    return DescribedDataSet(data_set, Extent(4, NOW, NOW, (2.0, 50.0, 3.0, 51.0)))


def graphs(things: list[Thing]) -> tuple[Graph, Graph]:
    linked = msgspec.json.encode(as_jsonld(things, PREFIXES)).decode()
    return (
        Graph().parse(data=linked, format="json-ld"),
        Graph().parse(data=as_turtle(things, PREFIXES), format="turtle"),
    )


def published() -> Graph:
    publisher = Publisher("Arras", "https://arras.fr/", {"arras": "Ville d'Arras"})
    linked, turtle = graphs(catalogue([described()], publisher))
    assert to_isomorphic(linked) == to_isomorphic(turtle)
    return turtle


@pytest.mark.parametrize("kind", list(WANTED))
def test_everything_that_dcat_ap_asks_for_is_told(kind: URIRef) -> None:
    graph = published()
    nodes = list(graph.subjects(RDF.type, kind))
    assert nodes
    for node in nodes:
        missing = [name for name in WANTED[kind] if graph.value(node, name) is None]
        assert missing == []


def test_all_that_is_pointed_at_here_is_told_of() -> None:
    graph = published()
    own = {one for one in graph.objects() if str(one).startswith("https://arras.fr/open/")}
    pages = {
        str(one) for name in ("accessURL", "downloadURL") for one in graph.objects(None, DCAT[name])
    }
    untold = [str(one) for one in own if (one, None, None) not in graph and str(one) not in pages]
    assert [one for one in untold if isinstance(one, URIRef)] == []
    assert pages == {
        "https://arras.fr/open/arras/air/AirQualityObserved.csv",
        "https://arras.fr/open/arras/air/AirQualityObserved.geojson",
        f"https://arras.fr/ngsi-ld/v1/entities?type={quote(AIR, safe='')}&limit=1000",
    }


@pytest.mark.parametrize("contact", ["air@arras.fr", "mailto:air@arras.fr"])
def test_a_mail_address_leads_to_it_however_it_was_written(contact: str) -> None:
    publisher = Publisher("Arras", "https://arras.fr/", {})
    turtle = graphs(catalogue([described(contact=contact)], publisher))[1]
    (mail,) = turtle.objects(None, URIRef("http://www.w3.org/2006/vcard/ns#hasEmail"))
    assert mail == URIRef("mailto:air@arras.fr")


def test_the_licence_is_the_licence_ouverte_where_none_is_named() -> None:
    licences = {str(one) for one in published().objects(None, DCTERMS.license)}
    assert licences == {"https://www.etalab.gouv.fr/licence-ouverte-open-licence"}


_names = st.sampled_from(("dct:title", "dct:relation", "dcat:keyword"))
_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
_iris = st.text('ab/<>"{}|^`\\ é?&#%25', max_size=8).map("https://arras.fr/".__add__)
_terms = st.builds(Text, _texts, st.sampled_from(("", "fr"))) | st.builds(
    Typed, _texts, st.just("geo:wktLiteral")
)


@given(st.lists(st.tuples(_names, _terms), max_size=5))
def test_both_forms_say_the_same(facts: list[tuple[str, Text | Typed]]) -> None:
    linked, turtle = graphs([Thing("https://arras.fr/x", "dcat:Dataset", facts)])
    assert to_isomorphic(linked) == to_isomorphic(turtle)
    assert len(turtle) == len(set(facts)) + 1


@given(_iris)
def test_no_iri_breaks_out_of_its_brackets(iri: str) -> None:
    turtle = as_turtle([Thing(iri, "dcat:Dataset", [("dct:relation", Ref(iri))])], PREFIXES)
    assert len(Graph().parse(data=turtle, format="turtle")) == 2
