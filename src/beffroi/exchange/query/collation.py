"""The order of texts, after the root collation of Unicode: letters, then accents, then case.

What a language orders otherwise than the root does (Swedish has å after z) is refused rather than
ordered wrongly; German phone books are known. It approximates the Unicode Collation Algorithm
(UTS 10) for scripts whose letters stand in the order of their code points.

Source: IETF RFC 6067; Unicode CLDR, root collation; DIN 5007-2.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.representation.excerpts import excerpt

CollationKey = tuple[object, ...]
_TAG: Final = re.compile(r"([a-z]{2,3})((?:-(?!u-)[a-z0-9]{2,8})*)(?:-u((?:-[a-z0-9]{2,8})+))?")
_AS_ROOT: Final = frozenset({"und", "de", "en", "fr", "ga", "it", "nl", "pt"})
_LEVELS: Final = {"level1": 1, "level2": 2, "level3": 3, "level4": 4, "identic": 4}
_PHONE_BOOK: Final = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
_LIGATURES: Final = {"æ": "ae", "œ": "oe", "Æ": "AE", "Œ": "OE", "ø": "o\u0338", "Ø": "O\u0338"}


def read_collation(tag: str) -> Callable[[str], CollationKey]:
    """Give what orders texts as a collation does.

    Raises:
        BadRequestDataError: It is no collation, or one that beffroi does not know.
    """
    found = _TAG.fullmatch(tag.lower().replace("_", "-"))
    language = found[1] if found is not None else ""
    settings = _settings(found[3] or "") if found is not None else {}
    phone_book = settings.pop("co", "standard")
    strength = _LEVELS.get(settings.pop("ks", "level3"))
    known = phone_book == "standard" or (phone_book == "phonebk" and language == "de")
    if language not in _AS_ROOT or strength is None or settings or not known:
        raise BadRequestDataError(
            "exchange.collation_unknown", found=excerpt(tag), known=", ".join(sorted(_AS_ROOT))
        )
    others = _LIGATURES | (_PHONE_BOOK if phone_book == "phonebk" else {})
    table = str.maketrans(others)
    return lambda text: _key(unicodedata.normalize("NFC", text).translate(table), text, strength)


def _settings(text: str) -> dict[str, str]:
    parts = text.split("-")[1:]
    settings: dict[str, str] = {}
    for part in parts:
        if len(part) == 2:
            settings[part] = ""
        elif settings:
            settings[list(settings)[-1]] = part
    return settings


def _key(shown: str, text: str, strength: int) -> CollationKey:
    letters: list[tuple[int, str]] = []
    accents: list[str] = []
    cases: list[bool] = []
    for sign in unicodedata.normalize("NFD", shown):
        if unicodedata.combining(sign):
            if accents:
                accents[-1] += sign
            continue
        for letter in sign.casefold():
            letters.append((_group(letter), letter))
            accents.append("")
            cases.append(sign.isupper())
    return (letters, accents, cases, text)[:strength]


def _group(letter: str) -> int:
    """Spaces, then punctuation, symbols, digits, letters."""
    category = unicodedata.category(letter)
    return {"Z": 0, "C": 0, "P": 1, "S": 2, "N": 3}.get(category[0], 4)
