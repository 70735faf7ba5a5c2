"""What is written and read again is the same; merges have their algebra."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.exchange.model import Json
from beffroi.exchange.representation.merging import merged
from beffroi.exchange.representation.reading import read_entity, read_fragment
from beffroi.exchange.representation.writing import Form, Style, written
from tests.unit.exchange.representation.town_entities import CONTEXT, LATER, NOW, NULL

BOUNDED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from(["speed", "line", "name", "doors", "ex:thing", "zone"])
WORDS = st.text('abé<"/: ', max_size=5)
SCALARS = st.one_of(WORDS, st.integers(-1000, 1000), st.booleans(), st.floats(-1e6, 1e6))
KEYS = st.one_of(st.sampled_from(["type", "value", "object", "coordinates"]), WORDS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
URIS = st.sampled_from(["urn:a:1", "urn:a:2", "https://town.example/arrêt/7"])
POSITIONS = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
POINTS = POSITIONS.map(lambda position: {"type": "Point", "coordinates": position})
LANGUAGES = st.dictionaries(st.sampled_from(["fr", "nl-BE", "@none"]), WORDS, min_size=1)
TERMS = st.sampled_from(["Bus", "urbain", "https://town.example/x/y"])
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda instant: instant.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
)
VALUES = st.one_of(
    st.tuples(st.just("Property"), st.just("value"), JSON),
    st.tuples(st.just("GeoProperty"), st.just("value"), POINTS),
    st.tuples(st.just("LanguageProperty"), st.just("languageMap"), LANGUAGES),
    st.tuples(st.just("VocabProperty"), st.just("vocab"), TERMS | st.lists(TERMS, min_size=1)),
    st.tuples(st.just("JsonProperty"), st.just("json"), st.dictionaries(WORDS, JSON, max_size=2)),
    st.tuples(st.just("ListProperty"), st.just("valueList"), st.lists(JSON, max_size=3)),
    st.tuples(st.just("Relationship"), st.just("object"), URIS),
    st.tuples(st.just("ListRelationship"), st.just("objectList"), st.lists(URIS, max_size=3)),
)  # fmt: skip


def _reified(parts: tuple[tuple[str, str, Json], dict[str, Json], dict[str, Json]]) -> Json:
    (kind, member, value), fields, members = parts
    return {"type": kind, member: value, **fields, **members}


FIELDS = st.fixed_dictionaries({}, optional={"observedAt": INSTANTS, "expiresAt": INSTANTS})
LEAVES = st.tuples(VALUES, FIELDS, st.just({})).map(_reified)
INNER = st.dictionaries(st.sampled_from(["source", "accuracy"]), LEAVES, max_size=2)
INSTANCES = st.tuples(VALUES, FIELDS, INNER).map(_reified)
SEVERAL = st.lists(INSTANCES, min_size=1, max_size=3).map(
    lambda instances: [
        {**one, "datasetId": f"urn:d:{place}"} if place else one
        for place, one in enumerate(instances)
    ]
)
ATTRIBUTES = st.dictionaries(NAMES, st.one_of(INSTANCES, SEVERAL), max_size=4)
ENTITIES = ATTRIBUTES.map(lambda attributes: {"id": "urn:a:0", "type": "Bus", **attributes})
NULLS = st.sampled_from([NULL, {"value": NULL}, {"object": NULL, "datasetId": "urn:d:1"}])
FRAGMENTS = st.dictionaries(NAMES, st.one_of(INSTANCES, SEVERAL, NULLS), max_size=4)
SIMPLE = st.dictionaries(
    NAMES,
    st.one_of(
        SCALARS,
        st.lists(SCALARS, max_size=3),
        POINTS,
        LANGUAGES.map(lambda texts: {"languageMap": texts}),
        TERMS.map(lambda term: {"vocab": term}),
        st.dictionaries(WORDS, JSON, max_size=2).map(lambda raw: {"json": raw}),
    ),
    max_size=4,
)


@BOUNDED
@given(ENTITIES)
def test_normalized_and_concise_lose_nothing(document: dict[str, Json]) -> None:
    entity = read_entity(document, CONTEXT, NOW)
    for style in (Style.NORMALIZED, Style.CONCISE):
        form = Form(style=style, sys_attrs=True)
        assert read_entity(written(entity, CONTEXT, form), CONTEXT, NOW) == entity


@BOUNDED
@given(SIMPLE)
def test_simplified_loses_nothing_of_plain_values(attributes: dict[str, Json]) -> None:
    document = {"id": "urn:a:0", "type": "Bus", **attributes}
    entity = read_entity(document, CONTEXT, NOW)
    assert written(entity, CONTEXT, Form(style=Style.SIMPLIFIED)) == document


@BOUNDED
@given(ENTITIES)
def test_merging_an_entity_into_itself_changes_dates_alone(document: dict[str, Json]) -> None:
    entity = read_entity(document, CONTEXT, NOW)
    result = merged(entity, read_fragment(document, CONTEXT), LATER).entity
    assert written(result, CONTEXT, Form()) == written(entity, CONTEXT, Form())


@BOUNDED
@given(ENTITIES, FRAGMENTS)
def test_merging_twice_is_merging_once(document: dict[str, Json], part: dict[str, Json]) -> None:
    entity = read_entity(document, CONTEXT, NOW)
    fragment = read_fragment(part, CONTEXT)
    once = merged(entity, fragment, LATER).entity
    assert merged(once, fragment, LATER).entity == once


@BOUNDED
@given(ENTITIES)
def test_merging_nothing_changes_nothing(document: dict[str, Json]) -> None:
    entity = read_entity(document, CONTEXT, NOW)
    assert merged(entity, read_fragment({}, CONTEXT), LATER).entity is entity


@BOUNDED
@given(ENTITIES, FRAGMENTS)
def test_a_merge_leaves_no_null_behind(document: dict[str, Json], part: dict[str, Json]) -> None:
    entity = read_entity(document, CONTEXT, NOW)
    result = merged(entity, read_fragment(part, CONTEXT), LATER).entity
    assert NULL not in str(written(result, CONTEXT, Form()))
    assert all(result.attributes.values())
