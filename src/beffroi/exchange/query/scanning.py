"""Reads the small languages that questions are written in; tells where one goes wrong."""

import re
from typing import Final

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.representation.excerpts import excerpt

_LENGTH_MOST: Final = 8_192
_DEPTH_MOST: Final = 16
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SPACES: Final = re.compile(r" *")


class Scanner:
    """A text and how far it is read.

    Args:
        parameter: What the asker calls the text, as "q".
        text: What to read.
        begins: Where the text stands in a longer one, for the columns that are told.

    Raises:
        BadRequestDataError: The text is longer than 8,192 letters, or holds control characters.
    """

    def __init__(self, parameter: str, text: str, begins: int = 0) -> None:
        self.parameter = parameter
        self._begins = begins
        self.text = text
        self.at = 0
        self._depth = 0
        if len(text) > _LENGTH_MOST:
            raise BadRequestDataError(
                "exchange.asked_too_long", parameter=parameter, most=_LENGTH_MOST
            )
        unreadable = _UNREADABLE.search(text)
        if unreadable is not None:
            self.at = unreadable.start()
            raise self.mistake("exchange.asked_control_character")

    def mistake(self, code: str, at: int | None = None, **values: object) -> BadRequestDataError:
        """Make the error that tells what is wrong here, or at another place."""
        place = self.at if at is None else at
        return BadRequestDataError(
            code,
            parameter=self.parameter,
            column=self._begins + place + 1,
            found=excerpt(self.text[place:]),
            **values,
        )

    def takes(self, literal: str) -> bool:
        """Pass over a text if it comes next."""
        found = self.text.startswith(literal, self.at)
        if found:
            self.at += len(literal)
        return found

    def sees(self, literal: str) -> bool:
        """Tell whether a text comes next."""
        return self.text.startswith(literal, self.at)

    def needs(self, literal: str) -> None:
        """Pass over a text that has to come next."""
        self.skip_spaces()
        if not self.takes(literal):
            raise self.mistake("exchange.asked_sign_expected", sign=literal)

    def match(self, pattern: re.Pattern[str]) -> str:
        """Pass over what a pattern finds here; "" where it finds nothing."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.group()

    def skip_spaces(self) -> None:
        """Pass over spaces."""
        self.match(_SPACES)

    def needs_end(self) -> None:
        """Refuse what follows a text that is complete."""
        self.skip_spaces()
        if self.at < len(self.text):
            raise self.mistake("exchange.asked_end_expected")

    def enter(self) -> None:
        """Go one level deeper.

        Raises:
            BadRequestDataError: More than 16 levels.
        """
        self._depth += 1
        if self._depth > _DEPTH_MOST:
            raise self.mistake("exchange.asked_too_deep", most=_DEPTH_MOST)

    def leave(self) -> None:
        """Come back from a level."""
        self._depth -= 1
