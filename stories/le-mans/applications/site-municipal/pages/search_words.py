"""Prepare texts so that a search without accents finds words that have them."""

from unicodedata import combining, normalize


def without_accents(text: str) -> str:
    """Return the text with its letters bare: ``École`` becomes ``Ecole``."""
    return "".join(letter for letter in normalize("NFD", text) if not combining(letter))
