"""Documents as sources of feeds answer them."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from google.transit import gtfs_realtime_pb2 as realtime

DATEX_MEASUREMENTS = """\
<?xml version="1.0" encoding="UTF-8"?>
<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload"
    xmlns:roa="http://datex2.eu/schema/3/roadTrafficData"
    xmlns:com="http://datex2.eu/schema/3/common"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:type="roa:MeasuredDataPublication" lang="fr" modelBaseVersion="3">
  <com:publicationTime>2026-03-02T08:06:00+01:00</com:publicationTime>
  <roa:siteMeasurements>
    <roa:measurementSiteReference id="A9-PR42" version="3" targetClass="roa:MeasurementSite"/>
    <roa:measurementTimeDefault><com:timeValue>2026-03-02T08:00:00+01:00</com:timeValue>
    </roa:measurementTimeDefault>
    <roa:physicalQuantity index="1" xsi:type="roa:SingleQuantity">
      <roa:basicData xsi:type="roa:TrafficFlow"><roa:vehicleFlow>
        <com:vehicleFlowRate>1320</com:vehicleFlowRate></roa:vehicleFlow></roa:basicData>
    </roa:physicalQuantity>
    <roa:physicalQuantity index="2" xsi:type="roa:SingleQuantity">
      <roa:basicData xsi:type="roa:TrafficSpeed"><roa:averageVehicleSpeed>
        <com:speed>87.5</com:speed></roa:averageVehicleSpeed></roa:basicData>
    </roa:physicalQuantity>
    <roa:physicalQuantity index="3" xsi:type="roa:SingleQuantity">
      <roa:basicData xsi:type="roa:TrafficConcentration"><roa:occupancy>
        <com:percentage>12.4</com:percentage></roa:occupancy></roa:basicData>
    </roa:physicalQuantity>
  </roa:siteMeasurements>
  <roa:siteMeasurements>
    <roa:measurementSiteReference id="A54-PR7" version="1" targetClass="roa:MeasurementSite"/>
    <roa:measurementTimeDefault><com:timeValue>2026-03-02T08:05:00+01:00</com:timeValue>
    </roa:measurementTimeDefault>
    <roa:physicalQuantity index="1" xsi:type="roa:SingleQuantity">
      <roa:basicData xsi:type="roa:TrafficFlow"><roa:vehicleFlow>
        <com:vehicleFlowRate>640</com:vehicleFlowRate></roa:vehicleFlow></roa:basicData>
    </roa:physicalQuantity>
  </roa:siteMeasurements>
</d2:payload>
"""
DATEX_SITUATIONS = """\
<?xml version="1.0" encoding="UTF-8"?>
<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload"
    xmlns:sit="http://datex2.eu/schema/3/situation"
    xmlns:loc="http://datex2.eu/schema/3/locationReferencing"
    xmlns:com="http://datex2.eu/schema/3/common"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:type="sit:SituationPublication" lang="fr" modelBaseVersion="3">
  <sit:situation id="S-17">
    <sit:overallSeverity>high</sit:overallSeverity>
    <sit:situationRecord xsi:type="sit:MaintenanceWorks" id="S-17-1" version="2">
      <sit:situationRecordVersionTime>2026-03-01T17:00:00Z</sit:situationRecordVersionTime>
      <sit:severity>high</sit:severity>
      <sit:validity><com:validityTimeSpecification>
        <com:overallStartTime>2026-03-02T20:00:00Z</com:overallStartTime>
        <com:overallEndTime>2026-03-03T04:00:00Z</com:overallEndTime>
      </com:validityTimeSpecification></sit:validity>
      <sit:generalPublicComment><sit:comment><com:values>
        <com:value lang="fr">Fermeture du tunnel</com:value></com:values></sit:comment>
      </sit:generalPublicComment>
      <sit:locationReference><loc:pointByCoordinates><loc:pointCoordinates>
        <loc:latitude>43.8139</loc:latitude><loc:longitude>4.3601</loc:longitude>
      </loc:pointCoordinates></loc:pointByCoordinates></sit:locationReference>
    </sit:situationRecord>
  </sit:situation>
</d2:payload>
"""


def hubeau_page(rows: Sequence[Mapping[str, Any]], following: str | None = None) -> bytes:
    """Return a page as Hub'Eau's hydrometry v2 answers it."""
    page = {
        "count": len(rows),
        "first": None,
        "prev": None,
        "next": following,
        "api_version": "2.0.1",
        "data": list(rows),
    }
    return json.dumps(page).encode()


def observation(station: str, at: str, result: float, kind: str = "H") -> dict[str, Any]:
    """Return one observation as Hub'Eau has it: heights in mm, flows in l/s."""
    return {
        "code_site": station[:-2],
        "code_station": station,
        "grandeur_hydro": kind,
        "date_debut_serie": at,
        "statut_serie": 4,
        "date_obs": at,
        "resultat_obs": result,
        "code_methode_obs": 0,
        "libelle_methode_obs": "Mesure",
        "longitude": 4.28,
        "latitude": 43.79,
    }


def gtfs_zip(**tables: str) -> bytes:
    """Return timetables."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, table in tables.items():
            archive.writestr(f"{name}.txt", table)
    return packed.getvalue()


def realtime_message(at: int = 1_772_438_400) -> bytes:
    """Return a vehicle under way, what it will be late by, and an alert."""
    message = realtime.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = at
    moving = message.entity.add(id="v1").vehicle
    moving.vehicle.id, moving.trip.trip_id, moving.trip.route_id = "bus-12", "t-7", "T1"
    moving.position.latitude, moving.position.longitude = 43.8367, 4.3601
    moving.position.speed, moving.timestamp = 10.0, at - 5
    update = message.entity.add(id="u1").trip_update
    update.trip.trip_id, update.timestamp = "t-7", at - 5
    stop = update.stop_time_update.add(stop_id="arenes")
    stop.arrival.time, stop.arrival.delay = at + 120, 95
    alert = message.entity.add(id="a1").alert
    alert.cause, alert.effect = realtime.Alert.STRIKE, realtime.Alert.REDUCED_SERVICE
    for language, text in (("en", "Strike"), ("fr", "Grève")):
        alert.header_text.translation.add(language=language, text=text)
    alert.active_period.add(start=at, end=at + 3600)
    return bytes(message.SerializeToString())
