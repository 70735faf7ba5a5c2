"""The command that publishes messages: parse, call one verb, show."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from beffroi.exchange.mqtt.address import BrokerAddress, read_address
from beffroi.exchange.mqtt.publishing import published, read_messages
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import JsonOption, show_json, told_language
from beffroi.kernel.secrets import Secret

PASSWORD_VARIABLE: Final = "MQTT_PASSWORD"  # noqa: S105 - its name


def publish(
    file: Annotated[Path, typer.Argument(help="A message a line.", exists=True)],
    broker: Annotated[
        str,
        typer.Option(
            "--mqtt",
            help="mqtt[s]://USER@HOST:PORT/TOPIC: the platform's door or any broker; without a "
            f"topic each line begins with its own. The password is in {PASSWORD_VARIABLE}.",
        ),
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Publish the messages of a file over MQTT, to try devices and declarations out."""
    address, topic = _address(broker)
    done = asyncio.run(published(address, read_messages(file.read_bytes(), topic)))
    if as_json:
        show_json(done)
    else:
        language = told_language()
        for one in done.refused:
            told = {"line": one.line, "topic": one.topic, "reason": f"{one.reason:02x}"}
            typer.echo(sentence(language, "exchange.mqtt_sent.refused", **told))
        counts = {"confirmed": done.confirmed, "refused": len(done.refused)}
        typer.echo(sentence(language, "exchange.mqtt_sent.sent", url=address.url, **counts))
    if done.refused:
        raise typer.Exit(1)


def _address(broker: str) -> tuple[BrokerAddress, str]:
    try:
        address, topic = read_address(broker)
    except ValueError as error:
        shown = broker.rpartition("@")[2]
        raise InvalidInputError("exchange.publish_address", found=shown[:200]) from error
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is not None:
        address = msgspec.structs.replace(address, password=Secret(password))
    return address, topic


COMMANDS: Final[Mapping[str, Callable[..., Any]]] = {"publish": publish}
