"""What the door needs of others."""

from collections.abc import Sequence
from typing import Protocol

from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.rights.model import Actor

Fate = BeffroiError | None
"""What became of a message: nothing: it is committed."""


class Intake(Protocol):
    """Takes messages in."""

    async def received(self, actor: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        """Return once each message is committed or refused; one fate for each."""
        ...
