"""Serve one application on one server: ``python -m bench.stacks.serve APPLICATION SERVER PORT``."""

import asyncio
import socket
import sys

import uvloop
from granian import Granian
from granian.constants import Interfaces
from granian.server.embed import Server

from beffroi.kernel.http.loop_serving import Application, answering
from bench.stacks import applications


def main(application: str, server: str, port: int) -> None:
    target = getattr(applications, application)
    interface = Interfaces.RSGI if application == "bare_rsgi" else Interfaces.ASGI
    if server == "granian-embedded":
        asyncio.run(_embedded(target, interface, port))
    elif server == "granian":
        name = f"bench.stacks.applications:{application}"
        Granian(name, port=port, interface=interface, log_enabled=False).serve()
    elif server == "uvicorn":
        asyncio.run(_in_the_loop(target, port))
    else:
        uvloop.run(_in_the_loop(target, port))


async def _embedded(target: object, interface: Interfaces, port: int) -> None:
    server = Server(target, port=port, interface=interface, log_enabled=False)
    await server.serve()


async def _in_the_loop(target: Application, port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    # As every connection gets it from Granian, and from asyncio where it makes the socket itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with answering(listener, target):
        await asyncio.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
