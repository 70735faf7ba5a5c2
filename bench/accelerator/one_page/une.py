"""A site of one page, told to live a month."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).with_name("page.html").read_bytes()
_HEADERS = [
    (b"content-type", b"text/html; charset=UTF-8"),
    (b"cache-control", b"public, s-maxage=2592000"),
    (b"content-length", str(len(_PAGE)).encode()),
]
Message = dict[str, Any]


async def application(
    scope: Message,
    _receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Show the page at every address."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _PAGE})
