"""What people type, read within bounds."""

from typing import Final

_MOST_DIGITS: Final = 18


def bounded_whole(text: str, *, least: int, most: int) -> int | None:
    """Read a whole number in digits; nothing where it is none, or out of bounds.

    Its length is looked at first: Python refuses to read thousands of digits.

    Args:
        text: As typed.
        least: The smallest that is taken, 0 or above.
        most: The largest that is taken, of 18 digits at most.
    """
    typed = text.strip()
    if len(typed) > _MOST_DIGITS or not typed.isdecimal():
        return None
    value = int(typed)
    return value if least <= value <= most else None
