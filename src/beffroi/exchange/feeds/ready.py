"""What formats that are the same everywhere tell of: feeds need not say it again.

Types and names are those of the Smart Data Models.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange.feeds.declared import (
    DeclaredAttribute,
    DeclaredInstant,
    Feed,
    FeedFormat,
    ValueKind,
)


class ReadyFormat(msgspec.Struct, frozen=True):
    """What a format tells of, where a feed says nothing else."""

    id: str
    type: str
    attributes: Mapping[str, DeclaredAttribute]
    observed_at: DeclaredInstant | None = None


def completed(feed: Feed) -> Feed:
    """Return a feed with what its format tells where it says nothing itself."""
    ready = _READY.get(feed.format)
    if ready is None:
        return feed
    instant = feed.observed_at
    return replace(
        feed,
        id=feed.id or ready.id,
        type=feed.type or ready.type,
        attributes=feed.attributes or ready.attributes,
        observed_at=(ready.observed_at or UNSET) if instant is UNSET else instant,
    )


def _text(column: str) -> DeclaredAttribute:
    return DeclaredAttribute(column=column)


def _number(column: str) -> DeclaredAttribute:
    return DeclaredAttribute(column=column, kind=ValueKind.NUMBER)


def _time(column: str) -> DeclaredAttribute:
    return DeclaredAttribute(column=column, kind=ValueKind.TIME)


def _measure(column: str, unit: str = "") -> DeclaredAttribute:
    return DeclaredAttribute(column=column, kind=ValueKind.NUMBER, unit=unit, measured=True)


def _link(template: str) -> DeclaredAttribute:
    return DeclaredAttribute(object=template)


def _point(longitude: str = "longitude", latitude: str = "latitude") -> DeclaredAttribute:
    return DeclaredAttribute(longitude=longitude, latitude=latitude)


_STOP: Final = "urn:ngsi-ld:GtfsStop:{stop_id}"
_ROUTE: Final = "urn:ngsi-ld:GtfsRoute:{route_id}"
_TRIP: Final = "urn:ngsi-ld:GtfsTrip:{trip_id}"
_STATED_AT: Final = DeclaredInstant(column="timestamp")

_READY: Final[Mapping[FeedFormat, ReadyFormat]] = {
    FeedFormat.HUBEAU_STATIONS: ReadyFormat(
        "urn:ngsi-ld:WaterObserved:{code_station}",
        "WaterObserved",
        {
            "name": _text("libelle_station"),
            "location": _point("longitude_station", "latitude_station"),
            "river": _text("libelle_cours_eau"),
            "commune": _text("code_commune_station"),
        },
    ),
    FeedFormat.HUBEAU_OBSERVATIONS: ReadyFormat(
        "urn:ngsi-ld:WaterObserved:{code_station}",
        "WaterObserved",
        {"waterLevel": _measure("level_m", "MTR"), "flow": _measure("flow_m3_s", "MQS")},
        DeclaredInstant(column="date_obs"),
    ),
    FeedFormat.GTFS_STOPS: ReadyFormat(
        _STOP,
        "GtfsStop",
        {
            "name": _text("stop_name"),
            "code": _text("stop_code"),
            "location": _point("stop_lon", "stop_lat"),
            "locationType": _number("location_type"),
            "wheelChairAccessible": _text("wheelchair_boarding"),
            "hasParentStation": _link("urn:ngsi-ld:GtfsStop:{parent_station}"),
        },
    ),
    FeedFormat.GTFS_ROUTES: ReadyFormat(
        _ROUTE,
        "GtfsRoute",
        {
            "shortName": _text("route_short_name"),
            "name": _text("route_long_name"),
            "routeType": _text("route_type"),
            "routeColor": _text("route_color"),
            "operatedBy": _link("urn:ngsi-ld:GtfsAgency:{agency_id}"),
        },
    ),
    FeedFormat.GTFS_TRIPS: ReadyFormat(
        _TRIP,
        "GtfsTrip",
        {
            "headSign": _text("trip_headsign"),
            "shortName": _text("trip_short_name"),
            "direction": _number("direction_id"),
            "hasRoute": _link(_ROUTE),
            "hasService": _link("urn:ngsi-ld:GtfsService:{service_id}"),
        },
    ),
    FeedFormat.GTFS_RT_VEHICLES: ReadyFormat(
        "urn:ngsi-ld:Vehicle:{id}",
        "Vehicle",
        {
            "name": _text("label"),
            "location": DeclaredAttribute(
                longitude="longitude", latitude="latitude", measured=True
            ),
            "speed": _measure("speed_km_h", "KMH"),
            "bearing": _measure("bearing", "DD"),
            "stopStatus": DeclaredAttribute(column="status", measured=True),
            "occupancyLevel": DeclaredAttribute(column="occupancy", measured=True),
            "hasTrip": _link(_TRIP),
            "hasRoute": _link(_ROUTE),
            "hasStop": _link(_STOP),
        },
        _STATED_AT,
    ),
    FeedFormat.GTFS_RT_TRIP_UPDATES: ReadyFormat(
        "urn:ngsi-ld:ArrivalEstimation:{trip_id}:{stop_id}",
        "ArrivalEstimation",
        {
            "delay": _measure("delay_s", "SEC"),
            "arrivesAt": _time("arrival"),
            "departsAt": _time("departure"),
            "status": _text("schedule"),
            "hasTrip": _link(_TRIP),
            "hasRoute": _link(_ROUTE),
            "hasStop": _link(_STOP),
        },
        _STATED_AT,
    ),
    FeedFormat.GTFS_RT_ALERTS: ReadyFormat(
        "urn:ngsi-ld:Alert:{id}",
        "Alert",
        {
            "category": _text("category"),
            "subCategory": _text("effect"),
            "cause": _text("cause"),
            "name": _text("title"),
            "description": _text("description"),
            "validFrom": _time("from"),
            "validTo": _time("to"),
            "hasRoute": _link(_ROUTE),
            "hasStop": _link(_STOP),
        },
    ),
    FeedFormat.DATEX_MEASUREMENTS: ReadyFormat(
        "urn:ngsi-ld:TrafficFlowObserved:{site}",
        "TrafficFlowObserved",
        {
            "intensity": _measure("flow_veh_h"),
            "averageVehicleSpeed": _measure("speed_km_h", "KMH"),
            "occupancy": _measure("occupancy"),
        },
        DeclaredInstant(column="at"),
    ),
    FeedFormat.DATEX_SITUATIONS: ReadyFormat(
        "urn:ngsi-ld:RoadEvent:{id}",
        "RoadEvent",
        {
            "category": _text("kind"),
            "description": _text("comment"),
            "location": _point(),
            "road": _text("road"),
            "severity": _text("severity"),
            "validFrom": _time("from"),
            "validTo": _time("to"),
        },
    ),
    FeedFormat.SENSORTHINGS: ReadyFormat(
        "urn:ngsi-ld:DeviceMeasurement:{Datastream.@iot.id}",
        "DeviceMeasurement",
        {
            "name": _text("Datastream.name"),
            "numValue": _measure("result"),
            "controlledProperty": _text("Datastream.ObservedProperty.name"),
            "unit": _text("Datastream.unitOfMeasurement.symbol"),
            "location": DeclaredAttribute(geometry=True),
        },
        DeclaredInstant(column="at"),
    ),
}
