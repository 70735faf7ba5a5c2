"""What the filler answers to nginx."""

from typing import Final

import msgspec

from beffroi.delivery.filler.exchange import Exchange
from beffroi.delivery.filler.origin import Fetched, end_to_end
from beffroi.delivery.header_sets import HeaderSet

# Places of nginx's configuration that a request is sent back to.
TO_ORIGIN: Final = "@pass"
FAILING: Final = "@failing"
WAKING: Final = "@waking"
_ANSWERS: Final = "/.well-known/beffroi-answer/"


class Replies:
    """Writes one answer."""

    def __init__(self, proto: Exchange) -> None:
        self._proto = proto

    def send_back(self, place: str, note: str) -> None:
        """Have nginx continue elsewhere.

        Args:
            place: Where.
            note: What happened here, for Cache-Status (RFC 9211).
        """
        self._proto.response_empty(
            200, [("x-accel-redirect", place), ("cache-status", f"beffroi; {note}")]
        )

    def show_stored(self, application: str, header_set: str, digest: str, note: str) -> None:
        """Have nginx show an answer of the store."""
        self.send_back(f"{_ANSWERS}{application}/{header_set}/{digest}", note)

    def show_body(self, found: HeaderSet, body: bytes, note: str) -> None:
        """Answer with a stored body whose header set nginx does not know yet."""
        headers = [("cache-status", f"beffroi; {note}"), *found.headers]
        if found.content_type:
            headers.append(("content-type", found.content_type))
        if found.location:
            headers.append(("location", found.location))
        self._proto.response_bytes(found.status, headers, body)

    def hand_on(self, fetched: Fetched, note: str) -> None:
        """Answer what the origin answered to this very request."""
        left_out = {"content-length", "cache-status"}
        headers = [
            (name, value)
            for name, value in end_to_end(fetched.answer.headers)
            if name not in left_out
        ]
        headers.append(("cache-status", f"beffroi; {note}"))
        self._proto.response_bytes(fetched.answer.status, headers, fetched.body)

    def refuse(self, status: int, retry_after_s: int, note: str) -> None:
        """Ask to come again later."""
        self._proto.response_empty(
            status,
            [("retry-after", str(retry_after_s)), ("cache-status", f"beffroi; {note}")],
        )

    def tell(self, status: int, value: object) -> None:
        """Answer a machine, in JSON."""
        self._proto.response_bytes(
            status,
            [("content-type", "application/json"), ("cache-control", "no-store")],
            msgspec.json.encode(value),
        )
