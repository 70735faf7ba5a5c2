"""Make the folder of shipped models from the metadata of the package pysmartdatamodels.

    python -m beffroi.exchange.models.shipping pysmartdatamodels-VERSION.whl

What validation needs of each model becomes one JSON Schema; the terms of each domain become its
@context. Nothing of the package runs.
"""

import gzip
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.exchange.models.library import CONTEXTS, SCHEMAS, ShippedModel

_DOMAINS: Final[Mapping[str, Sequence[str]]] = {
    "Alert": ("Alert",),
    "Building": ("Building",),
    "Device": ("Camera", "Device", "DeviceMeasurement", "DeviceModel", "SmartMeteringObservation"),
    "Energy": ("ACMeasurement", "ThreePhaseAcMeasurement"),
    "Environment": (
        "AirQualityForecast",
        "AirQualityObserved",
        "FloodMonitoring",
        "IndoorEnvironmentObserved",
        "NoiseLevelObserved",
        "RainFallRadarObserved",
        "WaterObserved",
    ),
    "Parking": ("OffStreetParking", "OnStreetParking", "ParkingGroup", "ParkingSpot"),
    "ParksAndGardens": ("FlowerBed", "Garden", "GreenspaceRecord"),
    "PointOfInterest": ("Beach", "Museum", "PointOfInterest"),
    "Streetlighting": (
        "Streetlight",
        "StreetlightControlCabinet",
        "StreetlightFeeder",
        "StreetlightGroup",
    ),
    "TourismDestinations": ("Event",),
    "Transportation": (
        "BikeHireDockingStation",
        "CrowdFlowObserved",
        "EVChargingStation",
        "ItemFlowObserved",
        "RestrictedTrafficArea",
        "Road",
        "RoadAccident",
        "RoadSegment",
        "TrafficFlowObserved",
        "Vehicle",
    ),
    "UrbanMobility": (
        "ArrivalEstimation",
        "GtfsAgency",
        "GtfsRoute",
        "GtfsStop",
        "GtfsStopTime",
        "GtfsTrip",
        "PublicTransportStop",
    ),
    "WasteManagement": ("WasteContainer", "WasteContainerIsle"),
    "WaterConsumption": ("WaterConsumptionObserved",),
    "WaterQuality": ("WaterQualityObserved",),
    "Weather": ("WeatherAlert", "WeatherForecast", "WeatherObserved"),
}
_ASSETS: Final = "pysmartdatamodels/model-assets/"
_SCALAR: Final = frozenset({"string", "number", "integer", "boolean"})
_FORMATS: Final = frozenset({"date-time", "date", "time", "uri", "email"})
_KEYWORDS: Final = {"id": "@id", "type": "@type"}
# How the descriptions of the models tell what a number may be.
_RANGES: Final = (
    re.compile(r"[Aa]llowed values?: (?:A number )?between (-?\d+) and \+?(-?\d+)"),
    re.compile(r"[Aa]llowed values?: A number (?:between|from) (-?\d+) (?:and|to) \+?(-?\d+)"),
    re.compile(r"[Aa]llowed values?: (-?\d+) - (\d+)"),
)
_POSITIVE: Final = re.compile(r"[Aa]llowed values?: (?:A|Any) positive (?:integer )?number")
# Members of geometries, which the list of attributes has beside them.
_OF_GEOMETRIES: Final = frozenset({"bbox", "coordinates"})
_Record = dict[str, Any]


def main(wheel: Path) -> None:
    """Write schemas and contexts from a wheel beside this module."""
    with zipfile.ZipFile(wheel) as packed:
        records = gzip.decompress(packed.read(_ASSETS + "smartdatamodels.json.gz"))
        described = packed.read(_ASSETS + "datamodels_metadata.json")
    metadata = {
        (one["subject"], one["dataModel"]): one
        for one in msgspec.json.decode(described, type=list[_Record])
    }
    by_domain: dict[str, list[_Record]] = defaultdict(list)
    for one in msgspec.json.decode(records, type=list[_Record]):
        by_domain[one["repoName"]].append(one)
    for domain, names in _DOMAINS.items():
        repository = f"dataModel.{domain}"
        _write(CONTEXTS / f"{repository}.jsonld", {"@context": _terms(by_domain[repository])})
        for name in names:
            mine = [one for one in by_domain[repository] if one["dataModel"] == name]
            _write(SCHEMAS / f"{name}.json", _model(name, domain, mine, metadata[repository, name]))


def _model(name: str, domain: str, records: Iterable[_Record], described: _Record) -> ShippedModel:
    below: dict[str, list[_Record]] = defaultdict(list)
    tops = []
    for one in records:
        if _is_top(one):
            tops.append(one)
        elif "parentId" in one:
            below[one["parentId"]].append(one)
    properties = {one["property"]: _schema(one, below) for one in tops}
    properties |= {"id": {"type": "string"}, "type": {"enum": [name]}}
    return ShippedModel(
        name=name,
        domain=domain,
        version=described["version"],
        schema={
            "type": "object",
            "required": sorted({*(described.get("required") or ()), "id", "type"}),
            "properties": dict(sorted(properties.items())),
        },
    )


def _schema(record: _Record, below: Mapping[str, Sequence[_Record]]) -> _Record:
    kind, of = record.get("type"), record.get("typeNGSI")
    if of == "GeoProperty":
        return {"type": "object", "required": ["type", "coordinates"]}
    if of == "Relationship":
        return {"type": ["string", "array"]}
    if kind == "array":
        items = {"items": {"enum": record["enum"]}} if record.get("enum") else {}
        return {"type": "array", **items}
    if kind == "object":
        inner = {one["property"]: _schema(one, below) for one in below.get(record["id"], ())}
        return {"type": "object", **({"properties": inner} if inner else {})}
    if kind not in _SCALAR:
        return {}
    schema: _Record = {"type": kind}
    if record.get("enum"):
        schema["enum"] = record["enum"]
    if record.get("format") in _FORMATS:
        schema["format"] = record["format"]
    if kind in {"number", "integer"}:
        schema |= _bounds(record.get("description") or "")
    return schema


def _bounds(description: str) -> _Record:
    for pattern in _RANGES:
        if found := pattern.search(description):
            return {"minimum": int(found[1]), "maximum": int(found[2])}
    return {"minimum": 0} if _POSITIVE.search(description) else {}


def _is_top(record: _Record) -> bool:
    """Tell attributes of entities from members of their values, by the path of their id."""
    path = record["id"].partition("#")[0].split("/")
    if path[-1] in _OF_GEOMETRIES:
        return False
    return len(path) == len(("https:", "", "host", "domain", "model", "property"))


def _terms(records: Iterable[_Record]) -> dict[str, str]:
    terms = {one["property"]: one["context"] for one in records if _is_top(one)}
    return dict(sorted((terms | _KEYWORDS).items()))


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(content) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
