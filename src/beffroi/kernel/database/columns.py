"""Columns of values, sent as PostgreSQL's own arrays in binary: many rows in a few parameters.

Source: PostgreSQL, ``src/backend/utils/adt/arrayfuncs.c``, ``array_recv``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import msgspec
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from beffroi.kernel.errors import InvalidInputError

_EMPTY: Final = Struct(">iiI").pack
_HEAD: Final = Struct(">iiIii").pack
_LENGTH: Final = Struct(">i").pack
_NUMBER: Final = Struct(">id").pack
_INTEGER: Final = Struct(">iq").pack
_ABSENT: Final = _LENGTH(-1)
_TRUTHS: Final = {None: _ABSENT, True: _LENGTH(1) + b"\1", False: _LENGTH(1) + b"\0"}
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_JSON: Final = msgspec.json.Encoder()
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""After an odd number of backslashes: after an even one it is the text of an escape."""


class _EncodedTextOf(dict[str | None, bytes]):
    """Elements by their text: names come again and again."""

    def __missing__(self, value: str) -> bytes:
        encoded = value.encode()
        element = self[value] = _LENGTH(len(encoded)) + encoded
        return element


class _EncodedTimeOf(dict[datetime | None, bytes]):
    def __missing__(self, value: datetime) -> bytes:
        element = self[value] = _INTEGER(8, (value - _EPOCH) // _MICROSECOND)
        return element


class Column:
    """An array as PostgreSQL receives it.

    Attributes:
        array_oid: Of its type.
        oid: Of the type of its elements.
    """

    array_oid: int
    oid: int

    def __init__(self, elements: Sequence[bytes], count: int) -> None:
        head = _HEAD(1, 0, self.oid, count, 1) if count else _EMPTY(0, 0, self.oid)
        self.content = head + b"".join(elements)


class Texts(Column):
    """Of type ``text[]``."""

    array_oid, oid = 1009, 25

    def __init__(self, values: Iterable[str | None]) -> None:
        known = _EncodedTextOf({None: _ABSENT})
        elements = [known[value] for value in values]
        super().__init__(elements, len(elements))


class EncodedTexts(Column):
    """Of type ``text[]``, from texts in UTF-8."""

    array_oid, oid = 1009, 25

    def __init__(self, values: Sequence[bytes]) -> None:
        super().__init__([part for one in values for part in (_LENGTH(len(one)), one)], len(values))


class Times(Column):
    """Of type ``timestamptz[]``."""

    array_oid, oid = 1185, 1184

    def __init__(self, values: Iterable[datetime | None]) -> None:
        known = _EncodedTimeOf({None: _ABSENT})
        elements = [known[value] for value in values]
        super().__init__(elements, len(elements))


class Numbers(Column):
    """Of type ``float8[]``."""

    array_oid, oid = 1022, 701

    def __init__(self, values: Iterable[float | None]) -> None:
        elements = [_ABSENT if one is None else _NUMBER(8, one) for one in values]
        super().__init__(elements, len(elements))


class Integers(Column):
    """Of type ``bigint[]``."""

    array_oid, oid = 1016, 20

    def __init__(self, values: Iterable[int]) -> None:
        elements = [_INTEGER(8, one) for one in values]
        super().__init__(elements, len(elements))


class Truths(Column):
    """Of type ``bool[]``."""

    array_oid, oid = 1000, 16

    def __init__(self, values: Iterable[bool | None]) -> None:
        elements = [_TRUTHS[one] for one in values]
        super().__init__(elements, len(elements))


def often_alike(*columns: tuple[Callable[[Sequence[Any]], Column], Sequence[Any]]) -> list[Any]:
    """Return columns that mostly say the same throughout: what they say, then the others.

    Args:
        columns: Each its kind and its values; all are as long, and not empty.
    """
    said: list[Any] = []
    listed: list[Column] = []
    for kind, values in columns:
        first = values[0]
        if values.count(first) == len(values):
            said.append(first)
            listed.append(kind(()))
        else:
            said.append(None)
            listed.append(kind(values))
    return [*said, *listed]


@lru_cache(maxsize=1_000)
def array_text(texts: tuple[str, ...]) -> str:
    """Return texts as PostgreSQL writes an array of them."""
    quoted = (one.replace("\\", "\\\\").replace('"', '\\"') for one in texts)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


def storable_json(written: object) -> bytes:
    """Return JSON that PostgreSQL can look into, also where it keeps it as text.

    Raises:
        InvalidInputError: It holds NUL, or half of a surrogate pair.
    """
    return storable_lines([written])[0]


def storable_lines(written: Sequence[object]) -> list[bytes]:
    """Return each as ``storable_json`` does; many at once cost less than one by one.

    Raises:
        InvalidInputError: One holds NUL, or half of a surrogate pair.
    """
    try:
        encoded = _JSON.encode_lines(written)
    except UnicodeEncodeError as error:
        raise InvalidInputError("kernel.text_not_storable") from error
    # One character is looked for much faster than several; few texts have it.
    if b"\\" in encoded and b"\\u0000" in encoded and _NUL.search(encoded):
        raise InvalidInputError("kernel.text_not_storable")
    # Line breaks inside are escaped.
    lines = encoded.split(b"\n")
    lines.pop()
    return lines


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> Buffer:
        return obj.content


def _register(kind: type[Column]) -> None:
    dumper = type(f"{kind.__name__}Dumper", (_ColumnDumper,), {"oid": kind.array_oid})
    psycopg.adapters.register_dumper(kind, dumper)


for _kind in (Texts, EncodedTexts, Times, Numbers, Integers, Truths):
    _register(_kind)
