"""Forty municipal sites of 500 pages in one application: the origin of the replay.

Every page costs BENCH_BURN_MS of CPU and begins with the version that a publication raises.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).with_name("page.html").read_bytes()
_BURN_S = float(os.environ.get("BENCH_BURN_MS", "1")) / 1000
_LIFE_S = 30 * 86_400
_versions: Counter[str] = Counter()
_renders: Counter[str] = Counter()
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Show a page, publish, or tell how many pages were rendered."""
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/-/publish":
        _versions.update(json.loads(await _read(receive)))
        body = b""
        headers = [(b"cache-control", b"no-store")]
    elif path == "/-/told":
        told = {"renders": _renders.total(), "cpu_s": time.process_time()}
        body = json.dumps(told).encode()
        headers = [(b"cache-control", b"no-store")]
    else:
        host = dict(scope["headers"])[b"host"].decode().partition(":")[0]
        body, headers = _rendered(f"{host}{path}")
    headers += [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _rendered(tag: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    end_s = time.thread_time() + _BURN_S
    while time.thread_time() < end_s:
        pass
    _renders[tag] += 1
    return b"<!-- %s %d -->\n%s" % (tag.encode(), _versions[tag], _PAGE), [
        (b"cache-control", b"public, s-maxage=%d" % _LIFE_S),
        (b"cache-groups", f'"{tag}"'.encode()),
        (b"xkey", tag.encode()),
    ]


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
