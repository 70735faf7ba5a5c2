"""Pages without end, each different from all others, rendered for nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).with_name("page.html").read_bytes()
_MARK = b"<!-- %32d -->\n"
_HEADERS = [
    (b"content-type", b"text/html; charset=UTF-8"),
    (b"cache-control", b"public, s-maxage=2592000"),
    (b"content-length", str(len(_MARK % 0) + len(_PAGE)).encode()),
]
Message = dict[str, Any]


async def application(
    scope: Message,
    _receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Show the page with the number of its address before it, under the tags of a real one."""
    if scope["type"] != "http":
        return
    number = int(scope["path"].rpartition("/")[2] or 0)
    tags = (b"cache-groups", b'"page-%d", "menu", "list-%d"' % (number, number % 20))
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, tags]})
    await send({"type": "http.response.body", "body": _MARK % number + _PAGE})
