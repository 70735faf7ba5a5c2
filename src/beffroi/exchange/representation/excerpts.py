"""How a message quotes what somebody sent: short, and without letters that nobody can see."""

import msgspec

from beffroi.exchange.model import Json

_LENGTH = 80


def excerpt(value: Json) -> str:
    """Quote a value in at most 80 characters, as JSON unless it is text."""
    text = value if isinstance(value, str) else _written(value)
    visible = "".join(
        one if one.isprintable() else f"\\u{ord(one):04x}" for one in text[: _LENGTH + 1]
    )
    return visible if len(visible) <= _LENGTH else visible[: _LENGTH - 1] + "…"


def _written(value: Json) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        return "[[["
