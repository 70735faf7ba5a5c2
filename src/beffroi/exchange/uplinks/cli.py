"""The command that shows what a message would become: parse, call one verb, show."""

from pathlib import Path

from beffroi.exchange.loading import load_declarations
from beffroi.exchange.uplinks.trying import chosen, tried
from beffroi.kernel.http.command_line import show_json


def try_message(file: Path, message: Path, uplink: str) -> None:
    """Show the entity that a message would change, or say why it would be refused."""
    one, named = chosen(load_declarations(file).uplinks, uplink)
    show_json(tried(one, named, file.parent, message.read_bytes()))
