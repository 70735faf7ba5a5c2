"""The other side of an integration: a unix socket that notes what an application has purged."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

TOKEN = "token-of-the-test"
_GROUP = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Asked(msgspec.Struct, frozen=True):
    """One request that reached the door; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def tags(self) -> list[str]:
        """Return the cache groups to be purged."""
        found = _GROUP.findall(self.headers.get("cache-groups", ""))
        return [re.sub(r"\\(.)", r"\1", tag) for tag in found]


class PurgeDoor:
    """Answers every request alike and keeps it.

    Attributes:
        path: The socket.
        asked: The requests, oldest first.
        status: What each is answered.
        pause_s: How long each waits for its answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[Asked] = []
        self.status = 200
        self.pause_s = 0.0

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that lead an application here."""
        return {"BEFFROI_PURGE_SOCKET": str(self.path), "BEFFROI_PURGE_TOKEN": TOKEN}

    @property
    def tags(self) -> set[str]:
        """Return every tag that was purged."""
        return {tag for one in self.asked for tag in one.tags}

    @property
    def addresses(self) -> set[str]:
        """Return every address that was purged."""
        named = ("beffroi-purge", "cache-groups")
        return {one.target for one in self.asked if not set(named) & one.headers.keys()}

    @property
    def whole_site(self) -> bool:
        """Tell whether the whole application was purged."""
        return any(one.headers.get("beffroi-purge") == "site" for one in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await _read_head(reader):
                first, *lines = head.split("\r\n")
                method, target, _ = first.split(" ")
                pairs = (line.partition(":") for line in lines if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked.append(Asked(method, target, headers))
                await asyncio.sleep(self.pause_s)
                body = json.dumps({"purged": 1}).encode()
                head = f"HTTP/1.1 {self.status} Said\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except ConnectionError:
            pass  # who asked has left without its answer
        finally:
            writer.close()


@asynccontextmanager
async def opened_door(folder: Path) -> AsyncIterator[PurgeDoor]:
    """Listen in a folder, whoever connects."""
    door = PurgeDoor(folder / "purge.sock")
    server = await asyncio.start_unix_server(door.serve, door.path)
    door.path.chmod(0o666)
    try:
        yield door
    finally:
        server.close()


async def _read_head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return ""
