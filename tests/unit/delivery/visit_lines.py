"""Lines of nginx's access log, and visits as values."""

import json
from datetime import UTC, datetime, timedelta

from beffroi.delivery.visit_log import Served, Visit

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def line(number: int, **fields: object) -> bytes:
    """Write one line as nginx does; each has a request number of its own."""
    told = {
        "at": (NOON + timedelta(seconds=number)).isoformat(),
        "host": "site.ville.localhost",
        "method": "GET",
        "uri": f"/page/{number}",
        "protocol": "HTTP/2.0",
        "status": 200,
        "bytes": 8400,
        "request_s": 0.003,
        "upstream_s": "",
        "served": "stored",
        "cache": "",
        "remote_address": "203.0.113.7",
        "user_agent": FIREFOX,
        "id": f"{number:032x}",
    }
    return json.dumps({**told, **fields}, separators=(",", ":")).encode() + b"\n"


def visit(
    *,
    at: datetime = NOON,
    host: str = "site.ville.localhost",
    path: str = "/",
    method: str = "GET",
    status: int = 200,
    served: Served = Served.STORED,
    cache: str = "",
    content_type: str = "",
    signed_in: bool = False,
    user_agent: str = FIREFOX,
    size_bytes: int = 100,
) -> Visit:
    """Make a visit that differs from a person's stored page by what is given."""
    return Visit(
        at=at,
        host=host,
        path=path,
        method=method,
        status=status,
        bytes=size_bytes,
        request_s=0.001,
        served=served,
        cache=cache,
        content_type=content_type,
        signed_in=signed_in,
        user_agent=user_agent,
    )
