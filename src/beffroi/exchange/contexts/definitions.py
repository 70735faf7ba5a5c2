"""What a @context may look like, before anybody looks at what it leads to."""

from typing import Final

import msgspec

from beffroi.exchange.contexts.terms import read_terms
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json

_FOUND_MOST: Final = 80


def checked_context(given: Json) -> Json:
    """Return the value of a ``@context`` where it is one: an address, terms, or a list of these.

    Raises:
        BadRequestDataError: It is none, or a term of it is none.
    """
    ones = given if isinstance(given, list) else [given]
    for one in ones:
        if isinstance(one, dict):
            read_terms([one])
        elif one is not None and not isinstance(one, str):
            raise unreadable(one)
    return given


def read_document(url: str, text: bytes) -> dict[str, Json]:
    """Read a document that was fetched; return its ``@context`` alone.

    Raises:
        BadRequestDataError: It is no JSON, or holds no @context.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestDataError(
            "exchange.context_no_json", url=url, found=text[:_FOUND_MOST].decode("utf-8", "replace")
        ) from error
    if not isinstance(document, dict) or "@context" not in document:
        raise BadRequestDataError("exchange.context_absent", url=url)
    return {"@context": checked_context(document["@context"])}


def unreadable(found: Json) -> BadRequestDataError:
    """Return what is wrong with something that is no @context."""
    return BadRequestDataError("exchange.context_unreadable", found=repr(found)[:_FOUND_MOST])
