"""What the platform asks of its filler."""

from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from beffroi.delivery.filler.protocol import PLATFORM_DOOR, Purged, Refusal
from beffroi.delivery.page_model import PurgeKind, split_address
from beffroi.kernel.errors import FailedError, UnavailableError
from beffroi.kernel.places import Places

_WITHIN_S: Final = 60.0


class FillerClient:
    """Reaches the filler on its socket."""

    def __init__(self, places: Places) -> None:
        self._socket = places.filler_socket

    async def purge(
        self, application: str, organisation: str, kind: PurgeKind, value: str, actor: str
    ) -> int:
        """Have pages forgotten; return how many, once none of them is shown any more.

        Raises:
            UnavailableError: The filler does not answer.
            FailedError: It could not; why is told.
        """
        host, target = split_address(value) if kind in _ADDRESSED else ("", "/")
        headers = {
            "X-Beffroi-Door": PLATFORM_DOOR,
            "X-Beffroi-Host": host,
            "X-Beffroi-Target": target,
            "X-Purge-Application": application,
            "X-Purge-Organisation": organisation,
            "X-Purge-Actor": actor,
            "Beffroi-Purge": kind,
        }
        if kind is PurgeKind.TAG:
            headers["Cache-Groups"] = msgspec.json.encode(value).decode()
        answer = await self._asked("PURGE", headers)
        if answer.is_success:
            return msgspec.json.decode(answer.content, type=Purged).purged
        refusal = msgspec.json.decode(answer.content, type=Refusal)
        raise FailedError("delivery.purge_refused", value=value, reason=refusal.error)

    async def _asked(self, method: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        async with httpx.AsyncClient(transport=transport, timeout=_WITHIN_S) as client:
            try:
                return await client.request(method, "http://filler/", headers=headers)
            except httpx.HTTPError as error:
                raise UnavailableError("delivery.filler_away") from error


_ADDRESSED: Final[Sequence[PurgeKind]] = (PurgeKind.URL, PurgeKind.PREFIX)
