"""The file ``feeds.yaml``, and what its parts must agree on with one another and with files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET

from beffroi.exchange.feeds.cells import placeholders
from beffroi.exchange.feeds.declared import DeclaredAttribute, Feed, FeedsFile, ValueKind
from beffroi.exchange.feeds.tables import WrongFileError, columns_of, is_geojson
from beffroi.territory.declared_file import load_declared
from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.shape import nearest

_SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {"feeds": Feed}


def load_feeds(file: Path) -> FeedsFile:
    """Read and check a file of feeds, and that the columns it names are there.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """

    def mistakes(declared: FeedsFile) -> Iterator[Mistake]:
        for feed in declared.feeds.values():
            path = ("feeds", feed.name)
            yield from _source_mistakes(feed, path)
            yield from _time_mistakes(feed, path)
            yield from _column_mistakes(feed, path, file.parent / feed.file)

    return load_declared(file, FeedsFile, _SECTIONS, mistakes)


def _source_mistakes(feed: Feed, path: KeyPath) -> Iterator[Mistake]:
    for name, one in feed.attributes.items():
        at = (*path, "attributes", name)
        point = (bool(one.longitude), bool(one.latitude))
        sources = (bool(one.column), any(point), one.geometry, bool(one.object))
        if sum(sources) != 1 or any(point) != all(point):
            yield Mistake("exchange.feed_attribute_source", at, {"name": name}, at_key=True)
        if one.divided_by and one.kind is not ValueKind.NUMBER:
            yield Mistake("exchange.feed_division_of_text", (*at, "divided_by"), {"name": name})
        if one.geometry and not is_geojson(Path(feed.file)):
            values = {"name": name, "file": feed.file}
            yield Mistake("exchange.feed_no_geometry", (*at, "geometry"), values)


def _time_mistakes(feed: Feed, path: KeyPath) -> Iterator[Mistake]:
    instants = [] if feed.observed_at is UNSET else [feed.observed_at.zone]
    for zone in instants:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Mistake(
                "exchange.feed_zone_unknown", (*path, "observed_at", "zone"), {"zone": zone}
            )
    for name, one in feed.attributes.items():
        if one.measured and not instants:
            at = (*path, "attributes", name, "measured")
            yield Mistake("exchange.feed_observed_at_missing", at, {"name": name})


def _column_mistakes(feed: Feed, path: KeyPath, file: Path) -> Iterator[Mistake]:
    try:
        known = columns_of(file)
    except WrongFileError as error:
        values = {"file": error.place.file, "line": error.place.line, **error.wrong.told}
        yield Mistake(error.wrong.code, (*path, "file"), values)
        return
    for at, column in _columns(feed):
        if column not in known:
            values = {
                "column": column,
                "file": feed.file,
                "nearest": nearest(column, known),
                "known": ", ".join(known)[:300],
            }
            yield Mistake("exchange.feed_column_unknown", (*path, *at), values)


def _columns(feed: Feed) -> Iterator[tuple[KeyPath, str]]:
    """Give the columns that a feed names, each with where it does."""
    yield from ((("id",), column) for column in placeholders(feed.id))
    if feed.observed_at is not UNSET:
        yield ("observed_at", "column"), feed.observed_at.column
    for name, one in feed.attributes.items():
        for field in ("column", "divided_by", "longitude", "latitude"):
            if column := getattr(one, field):
                yield ("attributes", name, field), column
        yield from _of_object(name, one)


def _of_object(name: str, attribute: DeclaredAttribute) -> Iterator[tuple[KeyPath, str]]:
    for column in placeholders(attribute.object):
        yield ("attributes", name, "object"), column
