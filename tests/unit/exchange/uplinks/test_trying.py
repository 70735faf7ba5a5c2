"""What `beffroi exchange try --message` shows."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from beffroi.exchange.cli import group
from beffroi.exchange.loading import load_declarations
from beffroi.exchange.uplinks.trying import chosen, tried
from beffroi.exchange.uplinks.wrong import UplinkUnknownError, WrongMessageError

DECLARED = """uplinks:
  weather:
    topic: sensors/{device}/up
    id: urn:ngsi-ld:Device:{device}
    type: WeatherObserved
    attributes: {temperature: {field: object.t, unit: CEL}}
  meters:
    topic: meters/{device}
    codec: {kind: javascript, file: meter.js}
    id: urn:ngsi-ld:Meter:{device}
    type: Meter
    attributes: {volume: {field: object.volume, kind: number, multiplied_by: 0.001}}
"""
CODEC = "function decodeUplink(input) { return {data: {volume: input.bytes[0] * 100}}; }"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two uplinks."""
    (tmp_path / "meter.js").write_text(CODEC)
    declared = tmp_path / "flows.yaml"
    declared.write_text(DECLARED)
    return declared


def test_an_uplink_is_meant_by_its_name_or_by_a_topic(file: Path) -> None:
    uplinks = load_declarations(file).uplinks
    assert chosen(uplinks, "meters") == (uplinks["meters"], {"device": "device"})
    assert chosen(uplinks, "sensors/7/up") == (uplinks["weather"], {"device": "7"})
    assert chosen({"weather": uplinks["weather"]}, "")[0] is uplinks["weather"]
    for nothing in ("", "water", "sensors/7"):
        with pytest.raises(UplinkUnknownError):
            chosen(uplinks, nothing)


def test_a_message_is_shown_as_the_entity_that_it_would_change(file: Path) -> None:
    one, named = chosen(load_declarations(file).uplinks, "meters/12")
    assert tried(one, named, file.parent, b"\x2a") == {
        "id": "urn:ngsi-ld:Meter:12",
        "type": "Meter",
        "volume": {"type": "Property", "value": 4.2},
    }


def test_a_message_that_would_be_refused_is_told(file: Path) -> None:
    one, named = chosen(load_declarations(file).uplinks, "weather")
    with pytest.raises(WrongMessageError) as caught:
        tried(one, named, file.parent, b'{"humidity": 3}')
    assert "object.humidity" in str(caught.value)


def test_the_command_shows_the_entity(file: Path) -> None:
    message = file.with_name("message.json")
    message.write_text('{"t": 21.5}')
    asked = ["try", str(file), "--uplink", "sensors/7/up", "--message", str(message)]
    shown = CliRunner().invoke(group, asked)
    assert shown.exit_code == 0, shown.output
    assert '"urn:ngsi-ld:Device:7"' in shown.output
    assert '"unitCode": "CEL"' in shown.output
