"""What the parts of a feed must agree on with one another and with its source."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET

from beffroi.exchange.feeds.cells import is_form, placeholders
from beffroi.exchange.feeds.declared import (
    DeclaredAttribute,
    Feed,
    FeedFormat,
    SourceKind,
    ValueKind,
)
from beffroi.exchange.feeds.reading import columns_of, has_geometry
from beffroi.exchange.feeds.ready import completed
from beffroi.exchange.feeds.rows import WrongFileError
from beffroi.exchange.feeds.schedules import is_schedule
from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.shape import nearest

_HEADED: Final = frozenset(
    {FeedFormat.AUTO, FeedFormat.CSV, FeedFormat.PARQUET, FeedFormat.GEOJSON}
)
"""Formats that name their columns before their rows, or in the first of them."""


def mistakes(feeds: Mapping[str, Feed], folder: Path) -> Iterator[Mistake]:
    """Tell what is wrong with feeds, and which columns they name are not there.

    Args:
        feeds: By name.
        folder: Of the file that declares them.
    """
    for declared in feeds.values():
        yield from feed_mistakes(declared)
        if declared.kinds == (SourceKind.FILE,):
            feed = completed(declared)
            yield from _column_mistakes(feed, ("feeds", feed.name), folder / feed.place)


def feed_mistakes(declared: Feed) -> Iterator[Mistake]:
    """Tell what is wrong with a feed, whatever its source holds."""
    path = ("feeds", declared.name)
    feed = completed(declared)
    if len(feed.kinds) != 1:
        yield Mistake("exchange.feed_source_one", path, {"name": feed.name}, at_key=True)
        return
    yield from _incomplete(feed, path)
    yield from _asking_mistakes(feed, path)
    yield from _source_mistakes(feed, path)
    yield from _time_mistakes(feed, path)


def columns_named(feed: Feed) -> Iterator[tuple[KeyPath, str]]:
    """Give the columns that a feed names, each with where it does."""
    yield from ((("id",), column) for column in placeholders(feed.id))
    if feed.observed_at is not UNSET:
        yield ("observed_at", "column"), feed.observed_at.column
    for name, one in feed.attributes.items():
        for field in ("column", "divided_by", "longitude", "latitude"):
            if column := getattr(one, field):
                yield ("attributes", name, field), column
        yield from _of_object(name, one)


def _incomplete(feed: Feed, path: KeyPath) -> Iterator[Mistake]:
    for key in ("id", "type", "attributes"):
        if not getattr(feed, key):
            values = {"name": feed.name, "key": key}
            yield Mistake("exchange.feed_incomplete", path, values, at_key=True)
    if feed.format is FeedFormat.XML and not feed.rows:
        values = {"name": feed.name, "key": "rows"}
        yield Mistake("exchange.feed_incomplete", path, values, at_key=True)


def _asking_mistakes(feed: Feed, path: KeyPath) -> Iterator[Mistake]:
    asked = feed.poll if feed.poll is not UNSET else feed.sql
    if asked is UNSET:
        return
    if not is_schedule(asked.every):
        at = (*path, feed.kind.value, "every")
        yield Mistake("exchange.feed_schedule", at, {"found": asked.every})
    if feed.poll is not UNSET and not _is_url(feed.poll.url):
        yield Mistake("exchange.no_url", (*path, "poll", "url"), {"url": feed.poll.url})


def _is_url(told: str) -> bool:
    try:
        split = urlsplit(told)
    except ValueError:
        return False
    return split.scheme in ("http", "https") and bool(split.hostname)


def _source_mistakes(feed: Feed, path: KeyPath) -> Iterator[Mistake]:
    for name, one in feed.attributes.items():
        at = (*path, "attributes", name)
        point = (bool(one.longitude), bool(one.latitude))
        sources = (bool(one.column), any(point), one.geometry, bool(one.object))
        if sum(sources) != 1 or any(point) != all(point):
            yield Mistake("exchange.feed_attribute_source", at, {"name": name}, at_key=True)
        if one.divided_by and one.kind is not ValueKind.NUMBER:
            yield Mistake("exchange.feed_division_of_text", (*at, "divided_by"), {"name": name})
        wants = one.geometry and feed.kind is SourceKind.FILE
        if wants and not has_geometry(feed.format, feed.place):
            values = {"name": name, "file": feed.place}
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
    form = "" if feed.observed_at is UNSET else feed.observed_at.format
    if form and not is_form(form):
        at = (*path, "observed_at", "format")
        yield Mistake("exchange.feed_form_unknown", at, {"form": form})
    for name, one in feed.attributes.items():
        if one.measured and not instants:
            at = (*path, "attributes", name, "measured")
            yield Mistake("exchange.feed_observed_at_missing", at, {"name": name})


def _column_mistakes(feed: Feed, path: KeyPath, file: Path) -> Iterator[Mistake]:
    try:
        known = columns_of(file, feed.format, feed.rows)
    except WrongFileError as error:
        values = {"file": error.place.file, "line": error.place.line, **error.wrong.told}
        yield Mistake(error.wrong.code, (*path, "file"), values)
        return
    if feed.format not in _HEADED:
        return
    for at, column in columns_named(feed):
        if column not in known:
            values = {
                "column": column,
                "file": feed.place,
                "nearest": nearest(column, known),
                "known": ", ".join(known)[:300],
            }
            yield Mistake("exchange.feed_column_unknown", (*path, *at), values)


def _of_object(name: str, attribute: DeclaredAttribute) -> Iterator[tuple[KeyPath, str]]:
    for column in placeholders(attribute.object):
        yield ("attributes", name, "object"), column
