"""Formats that partners publish in, read as they come."""

import json
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.feeds.declared import (
    DeclaredAttribute,
    DeclaredInstant,
    Feed,
    FeedFormat,
    ValueKind,
)
from beffroi.exchange.feeds.formats.features import read_features
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.reading import rows_of
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.models.conformity import shipped
from beffroi.exchange.representation.reading import read_entity
from beffroi.kernel.catalogue import Language
from tests.support.feed_documents import (
    DATEX_MEASUREMENTS,
    DATEX_SITUATIONS,
    gtfs_zip,
    hubeau_page,
    observation,
    realtime_message,
)

STOPS = (
    "stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
    'arenes,,"Arènes, quai A",43.8349,4.3596,0,gare\n'
    "gare,NIM,Gare,43.8327,4.3664,1,\n"
)

TIMETABLES = gtfs_zip(
    routes="route_id,agency_id,route_short_name,route_long_name,route_type\nT1,tango,T1,Trambus,3\n",
    trips="route_id,service_id,trip_id,trip_headsign,direction_id\nT1,s,t-7,Arènes,1\n",
)
STREAM = {
    "@iot.id": 9,
    "name": "Air",
    "unitOfMeasurement": {"symbol": "degC"},
    "observedArea": {"type": "Point", "coordinates": [4.36, 43.83]},
    "Observations": [
        {"@iot.id": 1, "result": 11.5, "phenomenonTime": "2026-03-02T06:00:00Z"},
        {"@iot.id": 2, "result": 12, "phenomenonTime": "2026-03-02T06:00:00Z/2026-03-02T07:00:00Z"},
    ],
}


def read(folder: Path, content: bytes, told: FeedFormat, name: str = "answer") -> list[Any]:
    """Return what a source of a format that needs no mapping tells of."""
    (folder / name).write_bytes(content)
    feed = Feed(name="feed", file=name, format=told)
    with Spool() as spool:
        Gathered(feed, spool).gather(folder)
        return [one.document for batch in spool.batches(100) for one in batch]


def refused(folder: Path, content: bytes, told: FeedFormat, rows: str = "") -> str:
    """Return the code of the one mistake, told in both languages."""
    (folder / "answer").write_bytes(content)
    feed = Feed(
        name="feed",
        file="answer",
        format=told,
        rows=rows,
        id="urn:x:{a}",
        type="X",
        attributes={"a": DeclaredAttribute(column="a")},
    )
    with Spool() as spool:
        gathered = Gathered(feed, spool)
        gathered.gather(folder)
    (mistake,) = gathered.mistakes
    assert all("{" not in mistake.told(language) for language in Language)
    return mistake.code.removeprefix("exchange.feed_")


def values(entity: Any, *names: str) -> list[Any]:
    return [entity[name].get("value", entity[name].get("object")) for name in names]


def test_heights_and_flows_of_hubeau_join_in_metres_and_cubic_metres(tmp_path: Path) -> None:
    at = "2026-03-02T06:00:00Z"
    page = hubeau_page(
        [
            observation("Y340502001", at, 1250.0),
            observation("Y340502001", at, 48300.0, "Q"),
            observation("Y340502001", "2026-03-02T05:55:00Z", 1190.0),
        ]
    )
    older, newer = read(tmp_path, page, FeedFormat.HUBEAU_OBSERVATIONS)
    assert newer["id"] == "urn:ngsi-ld:WaterObserved:Y340502001"
    assert values(newer, "waterLevel", "flow") == [1.25, 48.3]
    assert (newer["waterLevel"]["unitCode"], newer["flow"]["unitCode"]) == ("MTR", "MQS")
    assert newer["flow"]["observedAt"] == at
    assert "flow" not in older


def test_stations_of_hubeau_have_names_and_places(tmp_path: Path) -> None:
    station = {
        "code_station": "Y340502001",
        "libelle_station": "Le Vistre à Bernis",
        "longitude_station": 4.289,
        "latitude_station": 43.763,
        "libelle_cours_eau": "Le Vistre",
        "code_commune_station": "30036",
        "date_fermeture_station": None,
    }
    (told,) = read(tmp_path, hubeau_page([station]), FeedFormat.HUBEAU_STATIONS)
    assert values(told, "name", "commune") == ["Le Vistre à Bernis", "30036"]
    assert told["location"]["value"]["coordinates"] == [4.289, 43.763]


def test_stops_of_a_zip_of_timetables_lead_to_their_stations(tmp_path: Path) -> None:
    stop, station = read(tmp_path, gtfs_zip(stops=STOPS), FeedFormat.GTFS_STOPS)
    assert values(stop, "name", "hasParentStation") == [
        "Arènes, quai A",
        "urn:ngsi-ld:GtfsStop:gare",
    ]
    assert (stop["type"], station["code"]["value"]) == ("GtfsStop", "NIM")
    assert "hasParentStation" not in station


def test_routes_and_trips_are_read_from_the_same_zip(tmp_path: Path) -> None:
    (route,) = read(tmp_path, TIMETABLES, FeedFormat.GTFS_ROUTES)
    (trip,) = read(tmp_path, TIMETABLES, FeedFormat.GTFS_TRIPS)
    assert values(route, "shortName", "operatedBy") == ["T1", "urn:ngsi-ld:GtfsAgency:tango"]
    assert values(trip, "hasRoute", "direction") == [route["id"], 1]


def test_a_zip_that_unpacks_to_far_more_than_it_has_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gtfs_zip(stops="stop_id\n" + "0" * 20_000_000)
    tracemalloc.start()
    assert refused(tmp_path, bomb, FeedFormat.GTFS_STOPS) == "zip_bomb"
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_zip_that_lies_about_what_it_unpacks_to_ends_where_it_said(tmp_path: Path) -> None:
    packed = bytearray(gtfs_zip(stops="stop_id\n" + "7" * 500_000))
    size = (500_008).to_bytes(4, "little")
    assert packed.count(size) == 2
    lying = bytes(packed).replace(size, (50).to_bytes(4, "little"))
    assert refused(tmp_path, lying, FeedFormat.GTFS_STOPS) == "file_not_zip"


@pytest.mark.parametrize(
    ("content", "told", "code"),
    [
        (b"PK\x03\x04 cut off", FeedFormat.GTFS_STOPS, "file_not_zip"),
        (gtfs_zip(agency="agency_id\n"), FeedFormat.GTFS_STOPS, "zip_table_absent"),
        (b"\xff\xff\xff", FeedFormat.GTFS_RT_VEHICLES, "file_not_realtime"),
        (b"PAR1 no more", FeedFormat.PARQUET, "file_not_parquet"),
        (b"<roads><road>", FeedFormat.XML, "file_not_xml"),
        (b'{"data": {"items": 3}}', FeedFormat.JSON, "rows_absent"),
        (b'{"data": ', FeedFormat.JSON, "file_not_json"),
        (b"[" * 100_000, FeedFormat.JSON, "file_not_json"),
        (b'{"features": [' + b'{"a":' * 100_000, FeedFormat.GEOJSON, "file_not_json"),
    ],
)
def test_what_is_not_of_its_format_is_told_and_not_read(
    tmp_path: Path, content: bytes, told: FeedFormat, code: str
) -> None:
    assert refused(tmp_path, content, told, rows="data.items") == code


def test_vehicles_arrivals_and_alerts_come_from_one_message_in_real_time(tmp_path: Path) -> None:
    message = realtime_message()
    (bus,) = read(tmp_path, message, FeedFormat.GTFS_RT_VEHICLES)
    (arrival,) = read(tmp_path, message, FeedFormat.GTFS_RT_TRIP_UPDATES)
    (alert,) = read(tmp_path, message, FeedFormat.GTFS_RT_ALERTS)
    assert bus["id"] == "urn:ngsi-ld:Vehicle:bus-12"
    assert bus["location"]["value"]["coordinates"] == [4.3601, 43.8367]
    assert bus["location"]["observedAt"] == "2026-03-02T07:59:55Z"
    assert values(bus, "speed", "hasTrip") == [36.0, "urn:ngsi-ld:GtfsTrip:t-7"]
    assert arrival["id"] == "urn:ngsi-ld:ArrivalEstimation:t-7:arenes"
    assert values(arrival, "delay") == [95]
    assert arrival["arrivesAt"]["value"]["@value"] == "2026-03-02T08:02:00Z"
    assert values(alert, "category", "cause", "name") == ["traffic", "STRIKE", "Grève"]


def test_measures_of_datex_are_those_of_their_sites(tmp_path: Path) -> None:
    content = DATEX_MEASUREMENTS.encode()
    first, second = read(tmp_path, content, FeedFormat.DATEX_MEASUREMENTS)
    assert first["id"] == "urn:ngsi-ld:TrafficFlowObserved:A9-PR42"
    assert values(first, "intensity", "averageVehicleSpeed", "occupancy") == [1320, 87.5, 0.124]
    assert first["intensity"]["observedAt"] == "2026-03-02T07:00:00Z"
    assert values(second, "intensity") == [640]
    assert "averageVehicleSpeed" not in second


def test_situations_of_datex_say_what_where_and_until_when(tmp_path: Path) -> None:
    content = DATEX_SITUATIONS.encode()
    (works,) = read(tmp_path, content, FeedFormat.DATEX_SITUATIONS)
    assert values(works, "category", "severity") == ["MaintenanceWorks", "high"]
    assert values(works, "description") == ["Fermeture du tunnel"]
    assert works["location"]["value"]["coordinates"] == [4.3601, 43.8139]
    assert works["validTo"]["value"]["@value"] == "2026-03-03T04:00:00Z"


def test_xml_cannot_bring_files_of_the_machine_along(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    doctype = f'<!DOCTYPE roads [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
    content = f"{doctype}<roads><road><a>&e;</a></road></roads>".encode()
    (tmp_path / "answer").write_bytes(content)
    assert refused(tmp_path, content, FeedFormat.XML, rows="road") == "xml_doctype"


def test_xml_of_a_million_laughs_is_refused_at_once(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    content = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x><road><a>&l11;</a></road></x>'
    assert refused(tmp_path, content.encode(), FeedFormat.XML, rows="road") in {
        "xml_doctype",
        "file_not_xml",
    }


def test_observations_inside_data_streams_are_rows_of_their_own(tmp_path: Path) -> None:
    content = json.dumps({"value": [STREAM]}).encode()
    first, second = read(tmp_path, content, FeedFormat.SENSORTHINGS)
    assert first["id"] == second["id"] == "urn:ngsi-ld:DeviceMeasurement:9"
    assert [one["numValue"]["value"] for one in (first, second)] == [11.5, 12]
    assert second["numValue"]["observedAt"] == "2026-03-02T07:00:00Z"


def test_columns_of_parquet_keep_their_kinds_and_no_number_is_no_cell(tmp_path: Path) -> None:
    table = pa.table(
        {
            "code": ["a", "b"],
            "at": [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)],
            "level": [1.5, float("nan")],
        }
    )
    parquet.write_table(table, tmp_path / "levels.parquet")
    feed = Feed(
        name="levels",
        file="levels.parquet",
        id="urn:x:{code}",
        type="Level",
        observed_at=DeclaredInstant(column="at"),
        attributes={
            "level": DeclaredAttribute(column="level", kind=ValueKind.NUMBER, measured=True)
        },
    )
    with Spool() as spool:
        gathered = Gathered(feed, spool, shown_most=2)
        gathered.gather(tmp_path)
    first, second = list[Any](gathered.shown)
    assert first["level"] == {
        "type": "Property",
        "value": 1.5,
        "observedAt": "2026-03-01T00:00:00Z",
    }
    assert "level" not in second


def test_a_column_that_no_row_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(b'[{"code": 1, "levl": 3}]')
    feed = Feed(
        name="levels",
        file="answer",
        format=FeedFormat.JSON,
        id="urn:x:{code}",
        type="Level",
        attributes={"level": DeclaredAttribute(column="level")},
    )
    with Spool() as spool:
        gathered = Gathered(feed, spool)
        gathered.gather(tmp_path)
        gathered.tell_absent_columns()
    (mistake,) = gathered.mistakes
    assert mistake.code == "exchange.feed_column_unknown"
    assert mistake.values["nearest"] == "levl"


LINES = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=20), "deep": st.recursive(st.integers(), st.lists, max_leaves=5)}
    ),
    max_size=20,
)


@given(LINES, st.integers(1, 64), st.sampled_from([None, 2]))
@settings(max_examples=60, deadline=None)
def test_features_are_the_same_however_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, told: list[Any], size: int, indent: int | None
) -> None:
    file = tmp_path_factory.getbasetemp() / "cut.geojson"
    collection = [{"type": "Feature", "properties": one, "geometry": None} for one in told]
    document = {"type": "FeatureCollection", "features": collection, "after": [1]}
    file.write_text(json.dumps(document, indent=indent, ensure_ascii=False), encoding="utf-8")
    rows = list(read_features(file, at_once=size))
    assert [one.cells["name"] for one in rows] == [one["name"].strip() for one in told]
    assert [json.loads(one.cells["deep"]) for one in rows] == [one["deep"] for one in told]
    text = file.read_text(encoding="utf-8").split("\n")
    assert all(text[one.place.line - 1][one.place.column - 1] == "{" for one in rows)


def test_a_large_collection_of_features_is_never_held_whole(tmp_path: Path) -> None:
    feature = '{"type": "Feature", "properties": {"text": "' + "x" * 2_000 + '"}, "geometry": null}'
    file = tmp_path / "large.geojson"
    with file.open("w") as opened:
        opened.write('{"type": "FeatureCollection", "features": [')
        opened.writelines(f"{feature},\n" for _ in range(10_000))
        opened.write(feature + "]}")
    tracemalloc.start()
    count = sum(1 for _ in rows_of(file, FeedFormat.GEOJSON, ""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10_001
    assert peak < 4_000_000 < file.stat().st_size


def test_names_inside_a_zip_do_not_matter_beyond_their_last_part(tmp_path: Path) -> None:
    packed = tmp_path / "feed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export/stops.txt", STOPS)
    assert len(read(tmp_path, packed.read_bytes(), FeedFormat.GTFS_STOPS)) == 2


SOURCES = {
    FeedFormat.HUBEAU_OBSERVATIONS: hubeau_page(
        [observation("Y340502001", "2026-03-02T06:00:00Z", 1250.0)]
    ),
    FeedFormat.GTFS_STOPS: gtfs_zip(stops=STOPS),
    FeedFormat.GTFS_ROUTES: TIMETABLES,
    FeedFormat.GTFS_TRIPS: TIMETABLES,
    FeedFormat.GTFS_RT_VEHICLES: realtime_message(),
    FeedFormat.GTFS_RT_TRIP_UPDATES: realtime_message(),
    FeedFormat.GTFS_RT_ALERTS: realtime_message(),
    FeedFormat.DATEX_MEASUREMENTS: DATEX_MEASUREMENTS.encode(),
    FeedFormat.SENSORTHINGS: json.dumps({"value": [STREAM]}).encode(),
}


@pytest.mark.parametrize("told", list(SOURCES))
def test_what_ready_formats_tell_fits_the_smart_data_models_as_far_as_it_goes(
    tmp_path: Path, told: FeedFormat
) -> None:
    for document in read(tmp_path, SOURCES[told], told):
        model = shipped(document["type"])
        assert model is not None
        entity = read_entity(document, CORE, datetime(2026, 3, 2, tzinfo=UTC))
        assert [one.told for one in model.unfit(entity) if not one.missing] == []
