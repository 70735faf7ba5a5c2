"""The NATS subject of what the log tells."""

import re
from typing import Final

from beffroi.kernel.log import Entry

PREFIX: Final = "beffroi"
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_TOKEN_MOST: Final = 100


def subject_of(entry: Entry) -> str:
    """Return ``beffroi.ORGANISATION.EVENT.TYPE``: a consumer's rights are told in subjects.

    TYPE is the last part of the first type's IRI. Whatever NATS takes for a separator or a
    pattern becomes ``_``.
    """
    event = entry.kind.rpartition(".")[2]
    types = entry.body.get("types") or [""]
    name = re.split(r"[/#]", types[0])[-1]
    return ".".join((PREFIX, *(_token(one) for one in (entry.organisation, event, name))))


def _token(text: str) -> str:
    return _FORBIDDEN.sub("_", text)[:_TOKEN_MOST] or "_"
