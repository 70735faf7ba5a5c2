"""Messages of a file are published: to the platform's door, as a device would."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beffroi.exchange.cli import group
from beffroi.exchange.mqtt.publishing import read_messages
from beffroi.kernel.errors import InvalidInputError
from tests.integration.exchange.mqtt.conftest import OpenADoor, OpenDoor, Town

TEMPERATURE = "https://uri.etsi.org/ngsi-ld/default-context/temperature"


async def _published(door: OpenDoor, file: Path, content: bytes, topic: str = "") -> Result:
    file.write_bytes(content)
    address = f"mqtt://arras@127.0.0.1:{door.port}{topic}"
    environment = {"MQTT_PASSWORD": door.tokens["arras"], "BEFFROI_LANGUAGE": "en"}
    command = ["publish", str(file), "--mqtt", address]
    return await asyncio.to_thread(CliRunner(env=environment).invoke, group, command)


async def test_each_line_is_a_message_and_those_that_are_refused_are_told(
    town: Town, open_door: OpenADoor, tmp_path: Path
) -> None:
    lines = [
        b'ngsi-ld/Device/urn:d:1 {"temperature": 19}',
        b"",
        b"sensors/a/up 7",
        b'ngsi-ld/Device/urn:d:1 {"temperature": 20}',
    ]
    ended = await _published(await open_door(), tmp_path / "m.txt", b"\n".join(lines))
    assert ended.exit_code == 1
    refused, told = ended.stdout.splitlines()
    assert refused == "Line 3: sensors/a/up was refused with reason 0x90."
    assert told.startswith("2 messages confirmed by mqtt://127.0.0.1:")
    held = await town.exchange.entity(town.actor, "", "urn:d:1")
    assert held.attributes[TEMPERATURE][0].value == 20


async def test_a_topic_behind_the_address_is_that_of_every_line(
    town: Town, open_door: OpenADoor, tmp_path: Path
) -> None:
    told = b'{"temperature": 1}\r\n{"temperature": 2}\r\n'
    ended = await _published(await open_door(), tmp_path / "m", told, "/ngsi-ld/Device/urn:d:2")
    assert (ended.exit_code, ended.stdout[:2]) == (0, "2 ")
    held = await town.exchange.entity(town.actor, "", "urn:d:2")
    assert held.attributes[TEMPERATURE][0].value == 2


@pytest.mark.parametrize(
    "line", [b'{"a": 1}', b"topic", b"a/+/b 1", b"a/# 1", b"a" * 65_536 + b" 1"]
)
def test_a_line_without_a_topic_is_told_with_its_number(line: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_messages(b"a/b 1\n" + line, "")
    assert "2" in str(refused.value)
