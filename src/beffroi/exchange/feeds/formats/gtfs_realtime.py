"""Rows of GTFS-Realtime: where vehicles are, when they come, what disturbs them.

Source: gtfs.org, GTFS Realtime Reference v2.0.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as realtime

from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, RowReader, opened, wrong_file
from beffroi.kernel.units import MIB

_MESSAGE_MOST: Final = 64 * MIB
_KMH_PER_MS: Final = 3.6
_LATEST_S: Final = 2**33
_CellsReader = Callable[[Any], Iterator[Mapping[str, Any]]]


def realtime_reader(told: str) -> RowReader:
    """Return the reader of ``vehicles``, ``trip_updates`` (a row for each stop) or ``alerts``."""

    def read(file: Path, rows: str = "") -> Iterator[Row]:
        del rows
        return _read(file, _READERS[told])

    return read


def _read(file: Path, read_cells: _CellsReader) -> Iterator[Row]:
    message = _message(file)
    stated_at = _instant(message.header.timestamp)
    number = 0
    for entity in message.entity:
        if entity.is_deleted:
            continue
        for cells in read_cells(entity):
            number += 1
            told = {name: str(value) for name, value in cells.items() if value not in ("", None)}
            told.setdefault("timestamp", stated_at)
            yield Row(RowPlace(str(file), number), told)


def _message(file: Path) -> Any:  # noqa: ANN401 - a generated class
    try:
        with opened(file) as binary:
            content = binary.read(_MESSAGE_MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong_file(file, 1, "exchange.feed_file_unreadable", reason=str(error)) from error
    if len(content) > _MESSAGE_MOST:
        most = _MESSAGE_MOST // MIB
        raise wrong_file(file, 1, "exchange.feed_file_too_large", most_mib=most)
    message = realtime.FeedMessage()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise wrong_file(file, 1, "exchange.feed_file_not_realtime", reason=str(error)) from error
    return message


def _vehicles(entity: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - a generated class
    if not entity.HasField("vehicle"):
        return
    one = entity.vehicle
    cells: dict[str, Any] = {
        "id": one.vehicle.id or one.vehicle.label or entity.id,
        "label": one.vehicle.label,
        "trip_id": one.trip.trip_id,
        "route_id": one.trip.route_id,
        "stop_id": one.stop_id,
        "status": realtime.VehiclePosition.VehicleStopStatus.Name(one.current_status),
        "timestamp": _instant(one.timestamp),
    }
    if one.HasField("occupancy_status"):
        cells["occupancy"] = realtime.VehiclePosition.OccupancyStatus.Name(one.occupancy_status)
    if one.HasField("position"):
        at = one.position
        cells |= {"latitude": _degrees(at.latitude), "longitude": _degrees(at.longitude)}
        if at.HasField("bearing"):
            cells["bearing"] = round(at.bearing, 1)
        if at.HasField("speed"):
            cells["speed_km_h"] = round(at.speed * _KMH_PER_MS, 1)
    yield cells


def _trip_updates(entity: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    if not entity.HasField("trip_update"):
        return
    update = entity.trip_update
    trip = update.trip
    for stop in update.stop_time_update:
        yield {
            "trip_id": trip.trip_id,
            "route_id": trip.route_id,
            "stop_id": stop.stop_id or stop.stop_sequence,
            "arrival": _instant(stop.arrival.time),
            "departure": _instant(stop.departure.time),
            "delay_s": _delay(stop),
            "schedule": realtime.TripUpdate.StopTimeUpdate.ScheduleRelationship.Name(
                stop.schedule_relationship
            ),
            "timestamp": _instant(update.timestamp),
        }


def _delay(stop: Any) -> int | None:  # noqa: ANN401 - a generated class
    for event in ("arrival", "departure"):
        if stop.HasField(event) and getattr(stop, event).HasField("delay"):
            return int(getattr(stop, event).delay)
    return None


def _alerts(entity: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    if not entity.HasField("alert"):
        return
    alert = entity.alert
    period = alert.active_period[0] if alert.active_period else realtime.TimeRange()
    yield {
        "id": entity.id,
        "category": "traffic",
        "cause": realtime.Alert.Cause.Name(alert.cause),
        "effect": realtime.Alert.Effect.Name(alert.effect),
        "title": _translated(alert.header_text),
        "description": _translated(alert.description_text),
        "from": _instant(period.start),
        "to": _instant(period.end),
        "route_id": next((one.route_id for one in alert.informed_entity if one.route_id), ""),
        "stop_id": next((one.stop_id for one in alert.informed_entity if one.stop_id), ""),
    }


def _translated(text: Any) -> str:  # noqa: ANN401 - a generated class
    """Return a text in French where it is, else in the first language."""
    french = (one.text for one in text.translation if one.language.startswith("fr"))
    return next(french, text.translation[0].text if text.translation else "")


def _degrees(told: float) -> float:
    # The format has 32 bits: further decimals would be none of its own.
    return round(told, 6)


def _instant(seconds: int) -> str:
    if not 0 < seconds < _LATEST_S:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


_READERS: Final[Mapping[str, _CellsReader]] = {
    "vehicles": _vehicles,
    "trip_updates": _trip_updates,
    "alerts": _alerts,
}
