"""A process at a door, behind the socket that it is given."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from beffroi.kernel.http.loop_serving import answered_on

_ANYBODY = 0o666
_TAKES_S = 0.002


async def _main(path: Path) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    async with answered_on(path, _answer, _ANYBODY):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await ending.wait()


async def _answer(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await asyncio.sleep(_TAKES_S)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
