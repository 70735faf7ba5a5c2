"""Which reader reads a source, and what can be told of it before its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from beffroi.exchange.feeds.declared import FeedFormat
from beffroi.exchange.feeds.formats.datex import read_measurements, read_situations
from beffroi.exchange.feeds.formats.features import read_features
from beffroi.exchange.feeds.formats.gtfs import gtfs_reader
from beffroi.exchange.feeds.formats.gtfs_realtime import realtime_reader
from beffroi.exchange.feeds.formats.hubeau import read_observations, read_stations
from beffroi.exchange.feeds.formats.json_rows import read_json
from beffroi.exchange.feeds.formats.parquet import parquet_columns, read_parquet
from beffroi.exchange.feeds.formats.sensorthings import read_sensorthings
from beffroi.exchange.feeds.formats.tables import read_table, table_columns
from beffroi.exchange.feeds.formats.xml_rows import read_xml
from beffroi.exchange.feeds.rows import Row, RowReader

_BY_ENDING: Final[Mapping[str, FeedFormat]] = {
    ".geojson": FeedFormat.GEOJSON,
    ".json": FeedFormat.GEOJSON,
    ".parquet": FeedFormat.PARQUET,
    ".xml": FeedFormat.XML,
}
_READERS: Final[Mapping[FeedFormat, RowReader]] = {
    FeedFormat.CSV: read_table,
    FeedFormat.JSON: read_json,
    FeedFormat.GEOJSON: read_features,
    FeedFormat.XML: read_xml,
    FeedFormat.PARQUET: read_parquet,
    FeedFormat.HUBEAU_STATIONS: read_stations,
    FeedFormat.HUBEAU_OBSERVATIONS: read_observations,
    FeedFormat.GTFS_STOPS: gtfs_reader("stops"),
    FeedFormat.GTFS_ROUTES: gtfs_reader("routes"),
    FeedFormat.GTFS_TRIPS: gtfs_reader("trips"),
    FeedFormat.GTFS_RT_VEHICLES: realtime_reader("vehicles"),
    FeedFormat.GTFS_RT_TRIP_UPDATES: realtime_reader("trip_updates"),
    FeedFormat.GTFS_RT_ALERTS: realtime_reader("alerts"),
    FeedFormat.DATEX_MEASUREMENTS: read_measurements,
    FeedFormat.DATEX_SITUATIONS: read_situations,
    FeedFormat.SENSORTHINGS: read_sensorthings,
}
_COLUMNS: Final[Mapping[FeedFormat, Callable[[Path], Sequence[str]]]] = {
    FeedFormat.CSV: table_columns,
    FeedFormat.PARQUET: parquet_columns,
}
_OF_PLACES: Final = frozenset({FeedFormat.GEOJSON, FeedFormat.JSON, FeedFormat.SENSORTHINGS})
"""Formats whose rows may have a geometry."""


def format_of(told: FeedFormat, name: str) -> FeedFormat:
    """Return how a source of a name is written."""
    if told is not FeedFormat.AUTO:
        return told
    ending = Path(name.removesuffix(".gz")).suffix.lower()
    return _BY_ENDING.get(ending, FeedFormat.CSV)


def has_geometry(told: FeedFormat, name: str) -> bool:
    """Tell whether rows of a source may have a geometry."""
    return format_of(told, name) in _OF_PLACES


def columns_of(file: Path, told: FeedFormat, rows: str) -> Sequence[str]:
    """Return the columns of a table, or of the first row of anything else.

    Raises:
        WrongFileError: It cannot be read.
    """
    found = format_of(told, file.name)
    if found in _COLUMNS:
        return _COLUMNS[found](file)
    first = next(rows_of(file, found, rows), None)
    return () if first is None else tuple(first.cells)


def rows_of(file: Path, told: FeedFormat, rows: str) -> Iterator[Row]:
    """Give the rows of a file in their order.

    Raises:
        WrongFileError: It cannot be read, or not to its end.
    """
    return _READERS[format_of(told, file.name)](file, rows)
