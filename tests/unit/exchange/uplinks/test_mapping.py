"""What members of messages become."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.exchange.uplinks.mapping import Measures, UplinkMapping
from beffroi.exchange.uplinks.message import Ignored, UplinkMessage
from beffroi.exchange.uplinks.reading import UplinkReader
from beffroi.exchange.uplinks.wrong import WrongMessageError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _mapped(payload: Any, device: str = "a", **declared: Any) -> Measures:
    uplink = msgspec.convert(
        {
            "name": "x",
            "topic": "{device}",
            "id": "urn:x:{device}",
            "type": "T",
            "attributes": {"a": {"field": "object.a"}},
            **declared,
        },
        Uplink,
    )
    sent = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    reading = UplinkReader(uplink).read(UplinkMessage("", sent, NOW), {"device": device})
    assert not isinstance(reading, Ignored)
    return UplinkMapping(uplink, CORE).mapped(reading, NOW)


def _value(payload: Any, **attribute: Any) -> Any:
    ((_, found),) = _mapped(payload, attributes={"a": attribute}).attributes
    return found.value


@pytest.mark.parametrize(
    ("value", "attribute", "becomes"),
    [
        (21.5, {"field": "object.a"}, 21.5),
        (True, {"field": "object.a"}, True),
        ("on", {"field": "object.a"}, "on"),
        ({"b": [1, {"c": 7}]}, {"field": "object.a.b.1.c"}, 7),
        ({"b": [1, 2]}, {"field": "object.a"}, {"b": [1, 2]}),
        ("21.5", {"field": "object.a", "kind": "number"}, 21.5),
        (215, {"field": "object.a", "kind": "number", "multiplied_by": 0.1}, 21.5),
        (7, {"field": "object.a", "kind": "text"}, "7"),
        (
            "2026-11-22",
            {"field": "object.a", "kind": "date"},
            {"@type": "Date", "@value": "2026-11-22"},
        ),
        ([4.36, 43.83], {"longitude": "object.a.0", "latitude": "object.a.1"}, [4.36, 43.83]),
        ("12", {"object": "urn:room:{object.a}"}, "urn:room:12"),
    ],
)
def test_a_member_becomes_what_is_declared(
    value: Any, attribute: dict[str, Any], becomes: Any
) -> None:
    found = _value({"a": value}, **attribute)
    assert (found["coordinates"] if "longitude" in attribute else found) == becomes


@pytest.mark.parametrize(
    ("value", "attribute", "code"),
    [
        ("warm", {"field": "object.a", "kind": "number"}, "uplink_not_a_number"),
        (2**70, {"field": "object.a"}, "uplink_not_a_number"),
        (True, {"field": "object.a", "kind": "number"}, "uplink_not_a_number"),
        (
            1e300,
            {"field": "object.a", "kind": "number", "multiplied_by": 1e10},
            "uplink_not_a_number",
        ),
        (7, {"field": "object.a", "kind": "date"}, "uplink_not_a_text"),
        ("soon", {"field": "object.a", "kind": "time"}, "feed_not_an_instant"),
        ([181, 4], {"longitude": "object.a.0", "latitude": "object.a.1"}, "feed_degrees"),
        (None, {"field": "object.a"}, "uplink_tells_nothing"),
        ([0, 0], {"longitude": "object.a.0", "latitude": "object.a.1"}, "uplink_tells_nothing"),
        ([1], {"field": "object.a.7"}, "uplink_tells_nothing"),
        ("", {"object": "urn:room:{object.a}"}, "uplink_tells_nothing"),
    ],
)
def test_a_member_that_cannot_be_is_refused(
    value: Any, attribute: dict[str, Any], code: str
) -> None:
    with pytest.raises(WrongMessageError) as caught:
        _value({"a": value}, **attribute)
    assert caught.value.code == f"exchange.{code}"
    assert str(caught.value)


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("2026-11-22T10:00:00Z", {}),
        ("2026-11-22T11:00:00+01:00", {}),
        ("2026-11-22 11:00", {"zone": "Europe/Paris"}),
        ("22/11/2026 10h00", {"format": "%d/%m/%Y %Hh%M"}),
        (1795341600, {"format": "epoch"}),
        (1795341600000, {"format": "epoch-ms"}),
        ("1795341600", {"format": "epoch"}),
    ],
)
def test_a_measure_is_of_when_the_message_says(told: Any, written: dict[str, str]) -> None:
    found = _mapped(
        {"a": 1, "t": told},
        observed_at={"field": "object.t", **written},
        attributes={"a": {"field": "object.a", "measured": True}},
    )
    ((_, attribute),) = found.attributes
    assert attribute.observed_at == found.at == datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize("told", [float("1e300"), -1e300, [], {}, True, "never", ""])
def test_what_tells_no_instant_is_refused(told: Any) -> None:
    for written in ({}, {"format": "epoch"}, {"format": "epoch-ms"}, {"format": "%d"}):
        with pytest.raises(WrongMessageError):
            _mapped({"a": 1, "t": told}, observed_at={"field": "object.t", **written})


def test_an_id_holds_what_a_uri_cannot_in_other_words() -> None:
    assert _mapped({"a": 1}, "roof 1/é?").id == "urn:x:roof%201%2F%C3%A9%3F"
    assert _mapped({"a": 1, "n": 7}, id="urn:x:{object.n}").id == "urn:x:7"
    wrong: list[dict[str, Any]] = [{}, {"n": None}, {"n": ""}, {"n": []}, {"n": True}]
    for missing in wrong:
        with pytest.raises(WrongMessageError) as caught:
            _mapped({"a": 1, **missing}, id="urn:x:{object.n}")
        assert caught.value.code == "exchange.uplink_id_empty"


def test_bytes_written_as_text_are_read() -> None:
    fields = [{"name": "a", "offset": 1}]
    for encoding, payload in (("raw", b"\1\2"), ("hex", b"0102\n"), ("base64", b"AQI=")):
        codec = {"kind": "bytes", "fields": fields, "encoding": encoding}
        assert _mapped(payload, codec=codec).attributes[0][1].value == 2
    for encoding, payload in (("hex", b"01 0"), ("base64", b"AQI"), ("base64", b"\xff")):
        codec = {"kind": "bytes", "fields": fields, "encoding": encoding}
        with pytest.raises(WrongMessageError) as caught:
            _mapped(payload, codec=codec)
        assert caught.value.code == f"exchange.uplink_not_{encoding}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
ATTRIBUTES = {
    "number": {"field": "object.a", "kind": "number"},
    "any": {"field": "object.a"},
    "text": {"field": "object.a", "kind": "text"},
    "place": {"longitude": "object.a.0", "latitude": "object.a.1"},
    "room": {"object": "urn:room:{object.a}"},
}


@given(JSON, st.sampled_from(sorted(ATTRIBUTES)))
def test_any_json_becomes_measures_or_is_refused(value: Any, name: str) -> None:
    told, count = "", 1
    try:
        count = len(_mapped({"a": value}, attributes={name: ATTRIBUTES[name]}).attributes)
    except WrongMessageError as error:
        told = str(error)
    assert told or count == 1
