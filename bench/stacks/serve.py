"""Serve one application on one server: ``python -m bench.stacks.serve APPLICATION SERVER PORT``."""

import asyncio
import sys
from typing import Literal

import uvicorn
from granian import Granian
from granian.constants import Interfaces
from granian.server.embed import Server

from bench.stacks import applications


def main(application: str, server: str, port: int) -> None:
    target = getattr(applications, application)
    interface = Interfaces.RSGI if application == "bare_rsgi" else Interfaces.ASGI
    if server == "granian-embedded":
        asyncio.run(_embedded(target, interface, port))
        return
    if server == "granian":
        name = f"bench.stacks.applications:{application}"
        Granian(name, port=port, interface=interface, log_enabled=False).serve()
        return
    fast = server == "uvicorn-fast"
    http: Literal["httptools", "h11"] = "httptools" if fast else "h11"
    loop: Literal["uvloop", "asyncio"] = "uvloop" if fast else "asyncio"
    uvicorn.run(target, port=port, http=http, loop=loop, log_level="error", access_log=False)


async def _embedded(target: object, interface: Interfaces, port: int) -> None:
    server = Server(target, port=port, interface=interface, log_enabled=False)
    await server.serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
