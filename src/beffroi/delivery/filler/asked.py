"""A request as nginx hands it to the filler."""

from typing import Final

import msgspec
from granian.rsgi import Scope

from beffroi.delivery.visits import VisitorKind, visitor_kind

READING: Final = frozenset({"GET", "HEAD"})
_OWN_HEADERS: Final = "x-beffroi-"


class Asked(msgspec.Struct, frozen=True):
    """What was asked, by whom, through which door.

    Attributes:
        door: ``visitor``, ``application`` or ``platform``.
        host: Without a port.
        target: Path and query as the visitor wrote them.
        storable: nginx found that the page store may answer it.
        asleep: Its application is at rest.
        answer: The stored answer that nginx found and could not show alone.
        headers: Lower-case names, those between nginx and the filler left out.
    """

    door: str
    method: str
    host: str
    target: str
    storable: bool
    asleep: bool
    answer: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str:
        """Return a header's values, joined by commas."""
        return ", ".join(value for found, value in self.headers if found == name)

    @property
    def visitor(self) -> VisitorKind:
        """Tell people from crawlers and probes."""
        return visitor_kind(self.header("user-agent"))


def read_request(scope: Scope) -> Asked:
    """Read a request; nginx writes every header of its own, whatever the visitor sent."""
    own: dict[str, str] = {}
    passed: list[tuple[str, str]] = []
    for name, value in scope.headers.items():
        if name.startswith(_OWN_HEADERS):
            own[name.removeprefix(_OWN_HEADERS)] = value
        else:
            passed.append((name, value))
    query = f"?{scope.query_string}" if scope.query_string else ""
    return Asked(
        door=own.get("door", ""),
        method=scope.method,
        host=own.get("host", ""),
        target=own.get("target", f"{scope.path}{query}"),
        storable=own.get("storable", "") == "1",
        asleep=own.get("asleep", "") == "1",
        answer=own.get("answer", ""),
        headers=tuple(passed),
    )
