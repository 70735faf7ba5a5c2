"""Names are expanded and compacted as a @context says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY, Context, read_terms
from beffroi.exchange.errors import BadRequestDataError

_DEFINITIONS = {
    "nimes": "https://data.nimes.fr/terms#",
    "Crossroads": "nimes:Crossroads",
    "flow": {"@id": "nimes:flow", "@type": "xsd:double"},
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "next": {"@id": "nimes:next", "@type": "@id"},
    "follows": "next",
    "gone": None,
}


def _context(*definitions: dict[str, object]) -> Context:
    return Context(read_terms(definitions or (_DEFINITIONS,)), "https://data.nimes.fr/context")


@pytest.mark.parametrize(
    ("name", "iri"),
    [
        ("Crossroads", "https://data.nimes.fr/terms#Crossroads"),
        ("nimes:Bridge", "https://data.nimes.fr/terms#Bridge"),
        ("follows", "https://data.nimes.fr/terms#next"),
        ("height", DEFAULT_VOCABULARY + "height"),
        ("gone", DEFAULT_VOCABULARY + "gone"),
        ("https://example.org/height", "https://example.org/height"),
        ("urn:ngsi-ld:Bridge:1", "urn:ngsi-ld:Bridge:1"),
    ],
)
def test_a_name_stands_for_an_iri(name: str, iri: str) -> None:
    assert _context().expand(name) == iri


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        ("https://data.nimes.fr/terms#Crossroads", "Crossroads"),
        ("https://data.nimes.fr/terms#Bridge", "nimes:Bridge"),
        ("https://data.nimes.fr/terms#next", "next"),
        (DEFAULT_VOCABULARY + "height", "height"),
        (DEFAULT_VOCABULARY + "flow", DEFAULT_VOCABULARY + "flow"),
        ("https://example.org/height", "https://example.org/height"),
    ],
)
def test_an_iri_is_shown_by_the_shortest_name(iri: str, name: str) -> None:
    assert _context().compact(iri) == name


def test_how_values_are_read_is_told_by_the_iri() -> None:
    context = _context()
    assert context.coercion("https://data.nimes.fr/terms#next") == "@id"
    assert (
        context.coercion("https://data.nimes.fr/terms#flow")
        == "http://www.w3.org/2001/XMLSchema#double"
    )
    assert context.coercion("https://example.org/unknown") == ""


def test_what_comes_later_prevails() -> None:
    context = _context({"flow": "https://a.example/flow"}, {"flow": "https://b.example/flow"})
    assert context.expand("flow") == "https://b.example/flow"


@pytest.mark.parametrize(
    "definitions",
    [{"a": "b", "b": "a"}, {"a": "b:x", "b": "c:x", "c": "a:x"}, {"a": "b", "b": {"@id": "a"}}],
)
def test_terms_in_a_circle_are_refused_with_the_chain(definitions: dict[str, object]) -> None:
    with pytest.raises(BadRequestDataError) as caught:
        _context(definitions)
    assert caught.value.code == "exchange.term_circular"


@pytest.mark.parametrize("value", [12, ["a"], {"@id": 3}, {"@id": "a:b", "@type": ["x"]}])
def test_a_definition_that_is_none_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(BadRequestDataError) as caught:
        _context({"flow": value})
    assert caught.value.values["term"] == "flow"


_NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


@given(st.dictionaries(_NAMES, _NAMES.map("https://example.org/{}".format)), _NAMES)
def test_what_is_compacted_expands_to_the_same_iri(definitions: dict[str, str], name: str) -> None:
    context = _context(dict(definitions))
    iri = context.expand(name)
    assert context.expand(context.compact(iri)) == iri
