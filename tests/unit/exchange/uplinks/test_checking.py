"""Mistakes of uplinks, each at its line."""

from pathlib import Path

import pytest

from beffroi.exchange.loading import load_declarations
from beffroi.exchange.uplinks.codecs.interpreter import syntax_fault
from beffroi.territory.errors import TerritoryInvalidError

GOOD = """uplinks:
  weather:
    topic: sensors/{device}/up
    id: urn:ngsi-ld:Device:{device}
    type: WeatherObserved
    observed_at: {field: object.time, zone: Europe/Paris}
    codec: {kind: bytes, fields: [{name: a, offset: 0, length: 2}]}
    attributes:
      temperature: {field: object.a, kind: number, multiplied_by: 0.1, unit: CEL, measured: true}
      location: {longitude: object.lon, latitude: object.lat}
      isIn: {object: "urn:ngsi-ld:Room:{object.room}"}
"""


def _found(folder: Path, text: str) -> list[tuple[str, int]]:
    file = folder / "flows.yaml"
    file.write_text(text)
    try:
        load_declarations(file)
    except TerritoryInvalidError as error:
        return [(one.code, one.line) for one in error.found]
    return []


def test_an_uplink_without_mistakes_is_read(tmp_path: Path) -> None:
    assert _found(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("was", "written", "code", "line"),
    [
        ("topic: sensors/{device}/up", "topic: sensors/#", "uplink_topic", 3),
        ("topic: sensors/{device}/up", "devices_most: 3", "uplink_source", 2),
        ("Device:{device}", "Device:1", "uplink_id_fixed", 4),
        ("Device:{device}", "Device:{town}", "uplink_member_unknown", 4),
        ("WeatherObserved", "Weather Observed", "not_a_name", 5),
        ("object.time", "time", "uplink_member_unknown", 6),
        ("Europe/Paris", "Europe/Parris", "feed_zone_unknown", 6),
        ("kind: bytes", "kind: javascript", "uplink_codec_file", 7),
        ("kind: bytes", "kind: json", "uplink_codec_fields", 7),
        ("kind: bytes", "kind: javascript, file: a.js", "uplink_codec_unreadable", 7),
        ("length: 2", "length: 3, kind: float", "uplink_float_length", 7),
        ("offset: 0, length: 2", "offset: -1, length: 2", "uplink_field_past_end", 7),
        ("length: 2", "length: 1, mask: 256", "uplink_field_mask", 7),
        ("kind: number", "kind: text", "uplink_factor_of_text", 9),
        ("field: object.a", "field: radio.rssi", "uplink_member_unknown", 9),
        ("field: object.a", "longitude: object.a", "uplink_attribute_source", 9),
        ("temperature:", "observedAt:", "name_reserved", 9),
        ("{object.room}", "{room}", "uplink_member_unknown", 11),
    ],
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, was: str, written: str, code: str, line: int
) -> None:
    assert was in GOOD
    assert (f"exchange.{code}", line) in _found(tmp_path, GOOD.replace(was, written, 1))


def test_a_codec_that_is_no_javascript_is_told_and_nothing_of_it_runs(tmp_path: Path) -> None:
    text = GOOD.replace("kind: bytes, fields: [{name: a, offset: 0, length: 2}]", "CODEC")
    text = text.replace("CODEC", "kind: javascript, file: vendor.js")
    (tmp_path / "vendor.js").write_text("function decodeUplink(input) { return {data: }; }")
    assert _found(tmp_path, text) == [("exchange.uplink_codec_syntax", 7)]
    (tmp_path / "vendor.js").write_text("while (true) {}")
    assert _found(tmp_path, text) == []
    assert syntax_fault("(" * 100_000) != ""
