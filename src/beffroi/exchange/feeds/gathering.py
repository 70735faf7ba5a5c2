"""Reading the source of a feed to its end: what it holds, and every mistake in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from beffroi.exchange.feeds.checking import columns_named
from beffroi.exchange.feeds.declared import Feed, FeedFormat, SourceKind
from beffroi.exchange.feeds.mapping import RowMapping
from beffroi.exchange.feeds.mistakes import LISTED_MOST, RowPlace, WrongValueError, wrong_value
from beffroi.exchange.feeds.reading import rows_of
from beffroi.exchange.feeds.ready import completed
from beffroi.exchange.feeds.rows import Row, WrongFileError
from beffroi.exchange.feeds.spool import Spool
from beffroi.territory.findings import Finding
from beffroi.territory.shape import nearest


class Gathered:
    """What a feed's source holds.

    Args:
        feed: As it is declared.
        spool: Where rows are kept.
        shown_most: How many entities to show.

    Attributes:
        shown: Its first entities, in the order of the source.
        mistakes: In rows, the first thousand.
        refused: How many mistakes there are.
        read: How many rows the source has.
        newest: When the last of them was observed.
    """

    def __init__(self, feed: Feed, spool: Spool, shown_most: int = 0) -> None:
        self.feed = completed(feed)
        self._declared = feed
        self.spool = spool
        self.shown: list[Mapping[str, object]] = []
        self.mistakes: list[Finding] = []
        self.refused = 0
        self.read = 0
        self.newest: datetime | None = None
        self._shown_most = shown_most
        self._mapping = RowMapping(self.feed)
        self._seen: set[str] = set()

    def gather(self, folder: Path) -> None:
        """Read files that the feed names.

        Args:
            folder: Of the file that declares the feed.
        """
        for file in sorted(_files(self.feed, folder)):
            self.add_file(file, self.feed.format)

    def add_file(self, file: Path, told: FeedFormat) -> None:
        """Read one file."""
        try:
            for row in rows_of(file, told, self.feed.rows):
                self.add(row)
        except WrongFileError as error:
            self.refuse(error.place, error.wrong)

    def add(self, row: Row) -> None:
        """Keep what a row tells, or what is wrong with it."""
        self.read += 1
        self._seen.update(row.cells)
        try:
            mapped = self._mapping.mapped(row)
            self.spool.add(mapped)
        except WrongValueError as wrong:
            self.refuse(row.place, wrong)
            return
        if len(self.shown) < self._shown_most:
            self.shown.append(mapped.document)
        if mapped.at is not None and (self.newest is None or mapped.at > self.newest):
            self.newest = mapped.at

    def tell_absent_columns(self) -> None:
        """Tell of columns that the feed names and that no row had, where there were rows.

        Those that only a ready-made format names may be absent.
        """
        if not self.read:
            return
        known = sorted(self._seen)
        for _, column in columns_named(self._declared):
            if column not in self._seen:
                told = {"nearest": nearest(column, known), "known": ", ".join(known)[:300]}
                wrong = wrong_value(
                    "exchange.feed_column_unknown", column, file=self.feed.place, **told
                )
                self.refuse(RowPlace(self.feed.place, 1), wrong)

    def refuse(self, place: RowPlace, wrong: WrongValueError) -> None:
        """Note what is wrong at a place of the source."""
        self.refused += 1
        if len(self.mistakes) < LISTED_MOST:
            self.mistakes.append(place.finding(self.feed.name, wrong))


def _files(feed: Feed, folder: Path) -> Iterator[Path]:
    match feed.kind:
        case SourceKind.FILE:
            yield folder / str(feed.file)
        case SourceKind.FOLDER:
            yield from (folder / str(feed.folder)).glob(feed.pattern)
        case SourceKind.POLL | SourceKind.SQL:
            return
