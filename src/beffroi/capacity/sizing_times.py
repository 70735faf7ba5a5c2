"""Instants as exports write them: seconds, milliseconds, or dates with or without a zone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from beffroi.capacity.inventories.findings import WrongValueError, wrong
from beffroi.capacity.sizing_series import LOCAL_ZONE, Instants

_MILLISECONDS_FROM: Final = 1e11
LATEST_S: Final = 1e10
_FORMS: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
_REPEATED_S: Final = 3600
UNUSABLE: Final = np.iinfo(np.int64).min


class ReadInstants(msgspec.Struct, frozen=True, eq=False):
    """Instants as they are read one by one.

    Attributes:
        first_s: Seconds since 1970, ``UNUSABLE`` where the text is none; in the hour that autumn
            repeats, as if it were the first one.
        repeats: Whether it stands in the hour that autumn repeats.
    """

    first_s: Instants
    repeats: NDArray[np.bool_]

    def at(self, places: Sequence[int] | NDArray[np.int64]) -> "ReadInstants":
        """Return some of them."""
        return ReadInstants(self.first_s[places], self.repeats[places])


class InstantReader:
    """Reads instants; a date without a zone is local time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int] | WrongValueError] = {}

    def read(self, texts: Sequence[str]) -> tuple[ReadInstants, dict[int, WrongValueError]]:
        """Return what is written as instants, and why what is none is none, by its place."""
        numbers = _as_numbers(texts)
        if numbers is not None:
            return ReadInstants(numbers, np.zeros(len(numbers), dtype=np.bool_)), {}
        found = np.full(len(texts), UNUSABLE, dtype=np.int64)
        repeats = np.zeros(len(texts), dtype=np.bool_)
        wrong_at: dict[int, WrongValueError] = {}
        for place, text in enumerate(texts):
            instants = self._known.get(text)
            if instants is None:
                instants = self._known[text] = _instants(text)
            if isinstance(instants, WrongValueError):
                wrong_at[place] = instants
            else:
                found[place], repeats[place] = instants[0], instants[0] != instants[1]
        return ReadInstants(found, repeats), wrong_at


def in_file_order(parts: Sequence[ReadInstants]) -> Instants:
    """Tell the two hours that autumn repeats apart, by the order of the rows of one series.

    Where the clock goes back, or on where the file has the newest rows first, the other hour
    begins; where it never does, the same time twice is one of each.

    Args:
        parts: Of the series of one measure of one machine, in the order of the file.
    """
    instants = np.concatenate([part.first_s for part in parts])
    places = np.flatnonzero(np.concatenate([part.repeats for part in parts]))
    if not len(places):
        return instants
    steps = np.sign(np.diff(instants))
    newest_first = bool(steps.sum() < 0)
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        after = _after_change(instants[run], newest_first=newest_first)
        instants[run] += np.where(after, _REPEATED_S, 0)
    return instants


def _after_change(hour: Instants, *, newest_first: bool) -> NDArray[np.bool_]:
    """Tell which rows of a repeated hour stand after the clock went back."""
    steps = np.diff(hour, prepend=hour[:1])
    turns = np.cumsum(steps > 0 if newest_first else steps < 0)
    after: NDArray[np.bool_] = turns == 0 if newest_first else turns > 0
    if not turns[-1]:
        again = steps == 0
        again[0] = False
        after = np.append(again[1:], [False]) & ~again if newest_first else again
    return after


def _as_numbers(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """Return instants written as numbers, or nothing when one of them is not."""
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError:
        return None
    numbers = np.where(numbers >= _MILLISECONDS_FROM, numbers / 1000, numbers)
    if not (np.isfinite(numbers).all() and (abs(numbers) < LATEST_S).all()):
        return None
    return np.rint(numbers).astype(np.int64)


def _instants(text: str) -> tuple[int, int] | WrongValueError:
    """Return the two instants that a text may mean, mostly the same one twice."""
    number = _as_numbers([text])
    if number is not None:
        return int(number[0]), int(number[0])
    written = _date_of(text)
    if written is None:
        return wrong("capacity.not_an_instant")
    if written.tzinfo is not None:
        instant = int(written.timestamp())
        return instant, instant
    first = written.replace(tzinfo=LOCAL_ZONE)
    if first.astimezone(UTC).astimezone(LOCAL_ZONE).replace(tzinfo=None) != written:
        return wrong("capacity.hour_skipped")
    return int(first.timestamp()), int(first.replace(fold=1).timestamp())


def _date_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is local by rule
        except ValueError:
            continue
    return None
