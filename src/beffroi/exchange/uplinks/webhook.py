"""The door that LoRaWAN networks and devices knock at by HTTP; answered after the commit."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from beffroi.exchange.api.answers import NO_CONTENT, Answer
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.errors import InvalidRequestError
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.exchange.uplinks.reading import PAYLOAD_MOST
from beffroi.exchange.uplinks.service import Uplinks
from beffroi.kernel.clock import Clock

UPLINKS_PATH: Final = "/exchange/uplinks"
_PARAMETERS_MOST: Final = 20


class UplinkRoutes:
    """Takes messages at ``POST /exchange/uplinks/{organisation}/{name}``."""

    def __init__(self, uplinks: Uplinks, clock: Clock) -> None:
        self._uplinks = uplinks
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here; ``-`` stands for the platform's own organisation."""
        return [Route("POST", "*/*", self.take, None, PAYLOAD_MOST)]

    async def take(self, request: Request) -> Answer:
        """Take one message; what its address tells stands for the levels of a topic."""
        organisation, name = request.parts
        message = UplinkMessage("", request.body, self._clock.now())
        address = ("" if organisation == "-" else organisation, name)
        refusal = await self._uplinks.delivered(
            request.actor, address, message, _told_by_address(request.query)
        )
        if refusal is not None:
            raise refusal
        return NO_CONTENT


def _told_by_address(query: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query, max_num_fields=_PARAMETERS_MOST, errors="strict")
    except ValueError as error:
        raise InvalidRequestError("exchange.query_unreadable", reason=str(error)) from error
    return dict(pairs)
