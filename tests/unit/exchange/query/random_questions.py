"""Random entities of a town and random questions about them, that meet often."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity

NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
NAMES = ("speed", "name", "owner")
WORDS = ("", "a", "ab", "é", 'x"y', "a\\b", "50%", "2026-07-14T09:30:00Z", "2026-07-14", "31", "#")
NUMBERS = (0, -1, 1, 31, 31.5, 0.1, 1e-7, 1e23, 2**53, 2**53 + 1, -1e300)
IDS = ("urn:ngsi-ld:Line:6", "urn:ngsi-ld:Line:60", "urn:ngsi-ld:Stop:7")
SCOPES = ("/Nord", "/Nord/Douai", "/Nord/Douai/Gare", "/Sud/Douai", "/Nord_2")
TYPES = ("Bus", "Stop", "Tram")

_scalars = st.sampled_from(WORDS) | st.sampled_from(NUMBERS) | st.booleans()
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("city", "fr", "@value", "*", "0")), inner, max_size=2)
    ),
    max_leaves=4,
)
_ids = st.sampled_from(IDS)
_texts = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)
_languages = st.dictionaries(st.sampled_from(("fr", "FR", "nl-BE", "@none")), _texts, min_size=1)
_VALUES: dict[AttributeKind, st.SearchStrategy[Any]] = {
    AttributeKind.PROPERTY: _values,
    AttributeKind.LANGUAGE_PROPERTY: _languages,
    AttributeKind.VOCAB_PROPERTY: _ids | st.lists(_ids, min_size=1, max_size=2),
    AttributeKind.JSON_PROPERTY: st.dictionaries(st.sampled_from(("city", "0")), _values),
    AttributeKind.LIST_PROPERTY: st.lists(_values, max_size=3),
    AttributeKind.RELATIONSHIP: _ids | st.lists(_ids, min_size=1, max_size=2),
    AttributeKind.LIST_RELATIONSHIP: st.lists(_ids, max_size=2),
}
_instants = st.sampled_from(
    [NOW + timedelta(seconds=one, microseconds=one) for one in range(-2, 3)]
)


@st.composite
def _attributes(draw: st.DrawFn, *, depth: int) -> Attribute:
    kind = draw(st.sampled_from(sorted(_VALUES)))
    members = draw(_attribute_maps(depth=depth - 1)) if depth else {}
    return Attribute(
        kind=kind,
        value=draw(_VALUES[kind]),
        dataset_id=draw(st.sampled_from(("", "urn:gps"))),
        observed_at=draw(st.none() | _instants),
        unit_code=draw(st.sampled_from(("", "KMH"))),
        created_at=NOW,
        modified_at=draw(_instants),
        members=members,
    )


def _attribute_maps(*, depth: int) -> st.SearchStrategy[dict[str, tuple[Attribute, ...]]]:
    instances = st.lists(_attributes(depth=depth), min_size=1, max_size=2).map(tuple)
    names = st.sampled_from([DEFAULT_VOCABULARY + one for one in NAMES])
    return st.dictionaries(names, instances, max_size=3)


_longitudes = st.sampled_from((-180.0, -179.9, -1.0, 0.0, 0.01, 2.5, 90.0, 179.9, 180.0))
_latitudes = st.sampled_from((-90.0, -89.99, -45.0, 0.0, 0.01, 50.3, 89.9, 90.0))
positions = st.tuples(_longitudes, _latitudes).map(list)
_points = positions.map(lambda one: {"type": "Point", "coordinates": one})
_lines = st.lists(positions, min_size=2, max_size=4).map(
    lambda some: {"type": "LineString", "coordinates": some}
)
_polygons = st.lists(positions, min_size=3, max_size=5).map(
    lambda some: {"type": "Polygon", "coordinates": [[*some, some[0]]]}
)
geometries = _points | _lines | _polygons
_places = st.builds(
    lambda one, dataset: Attribute(kind=AttributeKind.GEO_PROPERTY, value=one, dataset_id=dataset),
    geometries,
    st.sampled_from(("", "", "urn:gps")),
)


@st.composite
def entities(draw: st.DrawFn) -> Entity:
    attributes = draw(_attribute_maps(depth=1))
    places = draw(st.lists(_places, max_size=2))
    if places:
        attributes = {**attributes, LOCATION: tuple(places)}
    return Entity(
        id=draw(st.sampled_from(("urn:a", "urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:12"))),
        types=tuple(draw(st.sets(st.sampled_from(TYPES), min_size=1))),
        scopes=tuple(draw(st.sets(st.sampled_from(SCOPES)))),
        attributes=attributes,
        created_at=NOW,
        modified_at=draw(_instants),
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_literals = (
    st.sampled_from(WORDS).map(_quoted)
    | st.sampled_from(NUMBERS).map(str)
    | st.sampled_from(("true", "false", "2026-07-14T09:30:00Z", *IDS))
)
_paths = st.builds(
    lambda name, rest: name + rest,
    st.sampled_from(NAMES),
    st.sampled_from(
        (
            "",
            "",
            "",
            ".speed",
            ".name[fr]",
            "[city]",
            "[fr]",
            "[*]",
            "[0]",
            "[city.fr]",
            ".observedAt",
            ".modifiedAt",
            ".unitCode",
            ".datasetId",
        )
    ),
) | st.just("modifiedAt")
_lists = st.lists(_literals, min_size=1, max_size=3).map(",".join)
_patterns = st.sampled_from(('"^a"', '"^2026-.*Z$"', '"a|b"', '"é"', '"^"', "^urn:.*6$"))


@st.composite
def _ranges(draw: st.DrawFn) -> str:
    alike = draw(st.sampled_from((WORDS, NUMBERS)))
    ends = [draw(st.sampled_from(alike)) for _ in range(2)]
    return "..".join(_quoted(one) if isinstance(one, str) else str(one) for one in ends)


_ordered = _literals.filter(lambda one: one not in {"true", "false"})
_terms = (
    _paths
    | _paths.map(lambda one: "!" + one)
    | st.builds("{}{}{}".format, _paths, st.sampled_from(("==", "!=")), _lists | _ranges())
    | st.builds("{}{}{}".format, _paths, st.sampled_from(("<", ">", "<=", ">=")), _ordered)
    | st.builds("{}{}{}".format, _paths, st.sampled_from(("~=", "!~=")), _patterns)
)
queries = st.recursive(
    _terms,
    lambda inner: st.builds("({}{}{})".format, inner, st.sampled_from((";", "|")), inner),
    max_leaves=4,
)
