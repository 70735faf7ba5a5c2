"""The query language: what its conditions accept, and what is said of one that is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.q_language import read_q
from tests.unit.exchange.representation.town_entities import CONTEXT, iri, thing


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


BUS = thing(
    speed=[
        prop(31, unitCode="KMH"),
        prop(50, datasetId="urn:gps", observedAt="2026-07-14T09:00:00Z"),
    ],
    address=prop({"city": "Berlin", "lines": ["M1", "M2"]}),
    label=prop("Eiffel Tower", source=prop("GPS")),
    tags=prop(["blue", "red"]),
    free=prop(value=False),
    since=prop({"@type": "DateTime", "@value": "2020-01-01T00:00:00+01:00"}),
    color={"type": "LanguageProperty", "languageMap": {"fr": "rouge", "en": ["red", "cat"]}},
    owner={"type": "Relationship", "object": "urn:ngsi-ld:Line:6"},
    kind={"type": "VocabProperty", "vocab": "commercial"},
    stops={"type": "ListProperty", "valueList": [1, "two"]},
)


def accepts(query: str, entity: Entity = BUS) -> bool:
    return read_condition(query, CONTEXT).question().wanted(entity)


@pytest.mark.parametrize(
    "query",
    [
        *("speed", "speed==31", "speed==31.0", "speed==50", "speed>49;speed<32", "speed==10..40"),
        *("speed!=31", "speed==1,2,31", "speed.observedAt==2026-07-14T09:00:00Z"),
        *('speed.observedAt>"2026-07-14T08:00:00Z"', 'speed.unitCode=="KMH"', "speed.datasetId"),
        *('label=="Eiffel Tower"', 'label~="^Eiffel"', 'label!~="^Pisa"', 'label.source=="GPS"'),
        *('label=="Pisa","Eiffel Tower"', 'label>="E";label<"F"', 'label!="a".."b"'),
        *(
            'address[city]=="Berlin"',
            "address[city]",
            'address[lines]=="M2"',
            "address[lines.1]==M2",
        ),
        *('tags=="red"', 'tags!="green"', "tags==green,red", "free==false", "free!=true"),
        *("since==2019-12-31T23:00:00Z", "since<2020-06-01T00:00:00Z", "stops==1", 'stops=="two"'),
        *('color=="rouge"', 'color[en]=="cat"', 'color[EN]=="red"', 'color[*]=="red"'),
        *('color[fr]!="red"', "color[fr]", "owner==urn:ngsi-ld:Line:6", 'owner!="urn:x"'),
        *("owner", f"kind=={iri('commercial')}", "!heading", "!heading;speed>40", "modifiedAt"),
        *("modifiedAt>=2026-07-14T09:30:00Z", "modifiedAt>2026-07-13", 'modifiedAt!="x"'),
        *("speed==1|speed==31;owner", "((speed>40|x==3);owner)", " ( speed > 40 ) ; owner "),
        *("https://town.example/speed>40", 'speed!="31"'),
    ],
)
def test_a_bus_meets(query: str) -> None:
    assert accepts(query)


@pytest.mark.parametrize(
    "query",
    [
        *("heading", "heading!=3", "speed==30", "speed>50", 'speed=="31"', "speed~=3", "!speed"),
        *("speed==31;heading", 'label~="^eiffel$"', 'label!~="Eiffel"', "speed!~=3", "label>3"),
        *('address[town]=="Berlin"', "address[city.x]", 'tags!="red"', 'tags!="green","blue"'),
        *("free==0", "free", "stops==true")[::2],
        *('color[en]=="rouge"', 'color[*]!="red"', 'color!="rouge"', "color[nl]", 'color[nl]!="x"'),
        *("owner>urn:a", "owner~=urn", "owner==urn:ngsi-ld:Line:60", "kind==commercial"),
        *("expiresAt", "speed.expiresAt", "modifiedAt==3", "(speed==1|speed==31);heading"),
        "tags>a",
    ],
)
def test_a_bus_does_not_meet(query: str) -> None:
    assert not accepts(query)


def test_names_of_a_vocabulary_are_expanded_where_that_is_asked() -> None:
    condition = read_condition("kind==commercial", CONTEXT, expanded={iri("kind")})
    assert condition.question().wanted(BUS)


@pytest.mark.parametrize(
    ("query", "code", "column"),
    [
        ("speed>", "asked_value_expected", 7),
        ("speed>4..5", "asked_single_value", 8),
        ("speed>4,5", "asked_single_value", 8),
        ("speed>>3", "asked_value_expected", 7),
        ("speed>true", "asked_not_ordered", 7),
        ('speed==1.."b"', "asked_range_of_two_kinds", 8),
        ("(speed", "asked_sign_expected", 7),
        ("speed>3)", "asked_end_expected", 8),
        ('name=="x', "asked_quote_open", 7),
        ('name=="\\x"', "asked_escape_unreadable", 7),
        ("speed;", "asked_name_expected", 7),
        ("", "asked_name_expected", 1),
        ("speed==1e400", "asked_number_too_large", 8),
        ("speed==2026-13-40T00:00:00Z", "asked_instant_expected", 8),
        ("id==3", "asked_name_reserved", 1),
        ("x[", "asked_member_expected", 3),
        ("x.observedAt.y", "asked_end_of_path", 13),
        ('name~="a**"', "pattern_repeated_twice", 10),
        ('name=="\\u0000"', "asked_control_character", 7),
        ("(" * 17 + "a" + ")" * 17, "asked_too_deep", 18),
        ("speed\n", "asked_control_character", 6),
    ],
)
def test_a_mistake_is_told_with_its_column(query: str, code: str, column: int) -> None:
    with pytest.raises(ExchangeError) as told:
        read_q(query, CONTEXT)
    assert (told.value.code, told.value.values["column"]) == (f"exchange.{code}", column)
    assert str(told.value)


@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [*'()[]{};|,.:!=<>~"\\ *+?^$', "==", "..", "speed", "12", "true", '"x"', "urn:a:b"]
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    refused = refusal_of(text)
    assert refused is None or (refused.status in {400, 403} and str(refused))


def refusal_of(query: str) -> ExchangeError | None:
    try:
        accepts(query)
    except ExchangeError as error:
        return error
    return None


async def test_linked_entities_are_followed_from_the_last_to_the_first() -> None:
    stop = thing(name=prop("Pisa Tower"))
    condition = read_condition('owner{stop{Bus:name}}=="Pisa Tower"', CONTEXT)
    asked: list[bool] = []

    async def find(question: Any) -> frozenset[str]:
        asked.append(question.wanted(stop))
        return frozenset({"urn:ngsi-ld:Line:6"})

    question = await condition.followed(find)
    assert condition.depth == 2
    assert asked == [True, False]
    assert question.wanted(BUS)
    assert not question.wanted(stop)
