"""A request as the routes see it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from beffroi.exchange.errors import InvalidRequestError
from beffroi.kernel.rights.model import Actor

_TRUE: Final = {"true": True, "false": False}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, by whom.

    Attributes:
        path: Without what precedes it in every address of the door, decoded nowhere.
        query: As it came, decoded nowhere.
        parts: Parts of the path that the route leaves open, decoded.
        parameters: Of the query, decoded.
        headers: By name in small letters; those that came several times are joined by commas.
    """

    method: str
    path: str
    query: str
    parts: tuple[str, ...]
    parameters: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    actor: Actor
    tenant: str
    body: bytes = b""

    def header(self, name: bytes) -> str:
        """Return the value of a header, "" where it did not come."""
        return self.headers.get(name, b"").decode("latin-1")

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false; absent: false.

        Raises:
            InvalidRequestError: It is neither.
        """
        given = self.parameters.get(name, "false")
        if given not in _TRUE:
            raise InvalidRequestError("exchange.not_a_flag", name=name, found=given[:80])
        return _TRUE[given]

    def number(self, name: str, default: int) -> int:
        """Return a parameter that is a count.

        Raises:
            InvalidRequestError: It is none.
        """
        given = self.parameters.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdecimal() and len(given) <= 9):
            raise InvalidRequestError("exchange.not_a_count", name=name, found=given[:80])
        return int(given)

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the parts of a parameter that commas separate."""
        given = self.parameters.get(name, "")
        return tuple(part for one in given.split(",") if (part := one.strip()))


def read_parameters(query: str, known: frozenset[str] | None) -> Mapping[str, str]:
    """Read the query of an address.

    Raises:
        InvalidRequestError: A parameter is not known here, or comes twice.
    """
    if not query or known is None:
        return {}
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError as error:
        raise InvalidRequestError("exchange.query_unreadable", reason=str(error)) from error
    for name, value in pairs:
        if name not in known:
            raise InvalidRequestError(
                "exchange.parameter_unknown",
                name=name[:80],
                known=", ".join(sorted(known)) or "-",
            )
        if name in found:
            raise InvalidRequestError("exchange.parameter_twice", name=name)
        found[name] = value
    return found
