"""JSON from requests, read strictly: what is read is what is written again."""

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

import msgspec

from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import Json
from beffroi.kernel.nesting import DEEPEST, brackets, nests_too_deep

_DECODER: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
_ESCAPED: Final = re.compile(rb"\\u00(?:00|22)")
"""A character that cannot be kept, and a quote that is none when it is counted."""
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def read_json(text: bytes) -> Json:
    """Decode a body.

    Raises:
        InvalidRequestError: It is not JSON, names a member twice, or nests deeper than 200.
        BadRequestDataError: A text has a character that the database cannot keep.
    """
    try:
        document = _DECODER.decode(text)
        # Of a list each item by itself: long ones have many brackets, and are no deeper for that.
        encoded = _ENCODER.encode_lines(document if type(document) is list else [document])
    except (msgspec.MsgspecError, ValueError) as error:
        _refuse_broken(text, str(error))
    except RecursionError as error:
        raise InvalidRequestError("exchange.json_too_deep", deepest=DEEPEST) from error
    deepest = max(map(brackets, encoded.split(b"\n"))) + 1
    if deepest > DEEPEST and nests_too_deep(document):
        raise InvalidRequestError("exchange.json_too_deep", deepest=DEEPEST)
    # A member that came twice is decoded once, and its quotes are missing when it is written.
    if encoded.count(b'"') != text.count(b'"') or (b"\\" in text and _ESCAPED.search(text)):
        _look_closely(text)
    return document


def _refuse_broken(text: bytes, reason: str) -> NoReturn:
    """Refuse what is not JSON, with the place where it stops being so."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InvalidRequestError(
            "exchange.json_broken", reason=error.msg, line=error.lineno, column=error.colno
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError("exchange.json_not_utf8", position=error.start) from error
    except RecursionError as error:
        raise InvalidRequestError("exchange.json_too_deep", deepest=DEEPEST) from error
    except ValueError as error:
        raise InvalidRequestError("exchange.json_unreadable", reason=str(error)) from error
    _look_closely(text)
    raise InvalidRequestError("exchange.json_unreadable", reason=reason)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequestError("exchange.json_not_a_number", found=name)


def _look_closely(text: bytes) -> None:
    """Find members that come twice and characters that cannot be kept."""
    document = json.loads(text, object_pairs_hook=_members)
    for one in _texts(document):
        if "\x00" in one or _LONE_SURROGATE.search(one):
            place = re.search(rb"\\u(0000|[dD][89a-fA-F])", text)
            raise BadRequestDataError(
                "exchange.json_unkeepable", position=place.start() if place else 0
            )


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidRequestError("exchange.json_member_twice", name=name[:200])
            seen.add(name)
    return members


def _texts(document: Json) -> Iterator[str]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
