"""Reading the file of a feed to its end: what it holds, and every mistake in it."""

from collections.abc import Mapping
from pathlib import Path

from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.feeds.mapping import RowMapping
from beffroi.exchange.feeds.mistakes import LISTED_MOST, RowPlace, WrongValueError
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.feeds.tables import WrongFileError, rows_of
from beffroi.territory.findings import Finding


class Gathered:
    """What a feed's file holds.

    Attributes:
        shown: Its first entities, in the order of the file.
        mistakes: In rows, the first thousand.
        refused: How many mistakes there are.
        read: How many rows the file has.
    """

    def __init__(self, feed: Feed, spool: Spool) -> None:
        self.feed = feed
        self.spool = spool
        self.shown: list[Mapping[str, object]] = []
        self.mistakes: list[Finding] = []
        self.refused = 0
        self.read = 0

    def gather(self, folder: Path, shown_most: int = 0) -> None:
        """Read the file.

        Args:
            folder: Of the file that declares the feed.
            shown_most: How many entities to show.
        """
        mapping = RowMapping(self.feed)
        try:
            for row in rows_of(folder / self.feed.file):
                self.read += 1
                try:
                    mapped = mapping.mapped(row)
                    self.spool.add(mapped)
                except WrongValueError as wrong:
                    self._refuse(row.place, wrong)
                else:
                    if len(self.shown) < shown_most:
                        self.shown.append(mapped.document)
        except WrongFileError as error:
            self._refuse(error.place, error.wrong)

    def _refuse(self, place: RowPlace, wrong: WrongValueError) -> None:
        self.refused += 1
        if len(self.mistakes) < LISTED_MOST:
            self.mistakes.append(place.finding(self.feed.name, wrong))
