"""Adjust the response headers of a portal where nobody signs in."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PUBLIC_CACHING = (b"cache-control", b"public, max-age=3600")
CACHE_GROUP = (b"cache-groups", b'"site"')
# Datasette announces both a length and chunks for a file; HTTP/1.1 forbids it and granian hangs up.
DROPPED = {b"transfer-encoding"}
# Datasette varies by cookie for the sites that have accounts.
DROPPED_FROM_PUBLIC = DROPPED | {b"vary", b"cache-control"}


def adjusted(scope: Scope, status: int, headers: Headers) -> Headers:
    """Return the headers to send: public and without ``Vary`` when everyone gets the same."""
    names = {name.lower() for name, _ in headers}
    is_public = (
        scope["method"] in {"GET", "HEAD"}
        and status == 200
        and not scope["path"].startswith("/-/")
        and b"set-cookie" not in names
    )
    if not is_public:
        return [pair for pair in headers if pair[0].lower() not in DROPPED]
    kept = [pair for pair in headers if pair[0].lower() not in DROPPED_FROM_PUBLIC]
    return [*kept, PUBLIC_CACHING, CACHE_GROUP]


def with_adjusted_headers(application: Application) -> Application:
    """Wrap an ASGI application so that its HTTP responses get the adjusted headers."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_adjusted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
                message = {**message, "headers": adjusted(scope, message["status"], headers)}
            await send(message)

        await application(scope, receive, send_adjusted)

    return wrapped
