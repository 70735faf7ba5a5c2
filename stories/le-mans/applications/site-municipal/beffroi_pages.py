"""Tell the platform which of an application's stored pages no longer show what is published.

Copy this file into an application: it needs the standard library alone. Outside the platform, as on
a developer's machine, nothing is stored and ``purge`` does nothing.
"""

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, urlsplit

# A publication must not hold its editor up: the stored pages end by themselves at worst.
DEADLINE_S = 2.0
_PAUSE_S = 0.05
_TAGS_PER_REQUEST = 100
_CHARACTERS_PER_REQUEST = 4000
# What a quoted string of RFC 9651 may hold, and so a cache group of RFC 9875.
_TAG = re.compile(r"[ -~]{1,1024}")
_KEPT_IN_PATHS = "/%:@!$&'()*+,;=~"


class PurgeError(Exception):
    """The platform did not purge: pages may show their former state until their life ends."""


def purge(
    *,
    tags: Iterable[str] = (),
    urls: Iterable[str] = (),
    site: bool = False,
    deadline_s: float = DEADLINE_S,
) -> int:
    """Have the stored pages forgotten; when this returns, no visitor gets the former ones.

    Call it once the change is committed: a page that is made anew before shows the former state.

    Args:
        tags: Every page whose answer carried one of these tags (``Cache-Groups``).
        urls: Addresses, or paths on the application's first host; one without a query means
            every query of its path.
        site: Every page of the application; tags and addresses are then needless.
        deadline_s: Time that all of it may take, in seconds.

    Returns:
        How many stored pages were forgotten; 0 outside the platform.

    Raises:
        PurgeError: The platform refused, or did not answer in time.
        ValueError: A tag is empty, longer than 1024 characters or not printable ASCII.
    """
    path = os.environ.get("BEFFROI_PURGE_SOCKET")
    if not path:
        return 0
    requests = [("/", {"Beffroi-Purge": "site"})] if site else list(_requests(tags, urls))
    if not requests:
        return 0
    door = _Door(path, time.monotonic() + deadline_s)
    try:
        return sum(_ask(door, target, headers) for target, headers in requests)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PurgeError(f"the platform did not purge: {error}") from error
    finally:
        door.close()


def cache_groups(tags: Iterable[str]) -> str:
    """Return the value of ``Cache-Groups`` that puts an answer under these tags (RFC 9875).

    Raises:
        ValueError: A tag is empty, longer than 1024 characters or not printable ASCII.
    """
    return ", ".join(map(_quoted, sorted(set(tags))))


def _quoted(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise ValueError(f"not a tag of 1 to 1024 printable ASCII characters: {tag!r}")
    escaped = tag.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _requests(tags: Iterable[str], urls: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for groups in _batches(map(_quoted, sorted(set(tags)))):
        yield "/", {"Cache-Groups": groups}
    for url in sorted(set(urls)):
        parts = urlsplit(url)
        query = f"?{quote(parts.query, safe=_KEPT_IN_PATHS + '?')}" if parts.query else ""
        headers = {"Host": parts.hostname} if parts.hostname else {}
        yield quote(parts.path or "/", safe=_KEPT_IN_PATHS) + query, headers


def _batches(quoted: Iterable[str]) -> Iterator[str]:
    """Join quoted tags into header values of a bounded size."""
    batch: list[str] = []
    characters = 0
    for one in quoted:
        characters += len(one) + 2
        if batch and (len(batch) == _TAGS_PER_REQUEST or characters > _CHARACTERS_PER_REQUEST):
            yield ", ".join(batch)
            batch, characters = [], len(one) + 2
        batch.append(one)
    if batch:
        yield ", ".join(batch)


def _ask(door: "_Door", target: str, headers: Mapping[str, str]) -> int:
    token = os.environ.get("BEFFROI_PURGE_TOKEN", "")
    host = os.environ.get("BEFFROI_HOSTS", "localhost").split(",")[0]
    door.open()
    door.request(
        "PURGE", target, headers={"Host": host, **headers, "Authorization": f"Bearer {token}"}
    )
    answer = door.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise PurgeError(f"the platform answered {answer.status} to PURGE {target}")
    return int(json.loads(body)["purged"])


class _Door(http.client.HTTPConnection):
    """HTTP over the platform's unix socket, until a moment of the monotonic clock."""

    def __init__(self, path: str, until: float) -> None:
        super().__init__("localhost")
        self._path = path
        self._until = until

    def open(self) -> None:
        """Connect where that is not done, and leave the next request the time that remains."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(max(_PAUSE_S, self._until - time.monotonic()))

    def connect(self) -> None:
        """Reach the door; while the platform starts anew nobody is behind it: try again."""
        while True:
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                self.sock.connect(self._path)
            except (ConnectionRefusedError, FileNotFoundError):
                self.close()
                if time.monotonic() + _PAUSE_S > self._until:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return
