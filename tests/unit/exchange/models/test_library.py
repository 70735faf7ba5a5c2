"""The models that the package brings."""

import msgspec
import pytest

from beffroi.exchange.contexts.definitions import read_document
from beffroi.exchange.models.conformity import shipped
from beffroi.exchange.models.library import (
    SHIPPED,
    shipped_contexts,
    shipped_model,
    shipped_models,
    shipped_names,
    terms_of,
)

NAMED = (
    *("OffStreetParking", "OnStreetParking", "ParkingSpot", "WaterObserved", "FloodMonitoring"),
    *("AirQualityObserved", "WeatherObserved", "NoiseLevelObserved", "TrafficFlowObserved"),
    *("Road", "RoadSegment", "Vehicle", "Streetlight", "StreetlightGroup", "WasteContainer"),
    *("Building", "PointOfInterest", "Event", "Device", "DeviceMeasurement"),
    *("EVChargingStation", "BikeHireDockingStation", "GtfsStop", "GtfsRoute", "Alert"),
)


def test_the_models_that_communes_use_are_there() -> None:
    assert set(NAMED) <= set(shipped_names())
    assert len(shipped_names()) == 55
    assert len(shipped_contexts()) == 16


def test_they_take_less_than_400_kib() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*")) < 400 * 1024


@pytest.mark.parametrize("name", shipped_names())
def test_each_is_a_schema_whose_required_attributes_it_describes(name: str) -> None:
    model = shipped(name)
    assert model is not None
    assert set(model.required) <= model.properties.keys()
    pointers = {one.pointer for one in model.unfit_document({"id": "urn:x:1", "type": "Other"})}
    assert pointers == {"/type", *(f"/{one}" for one in model.required)}


def test_each_domain_has_a_context_that_names_the_attributes_of_its_models() -> None:
    for model in shipped_models():
        assert set(model.schema["properties"]) <= terms_of(model.domain).keys()
    for url, file in shipped_contexts().items():
        terms = read_document(url, file.read_bytes())["@context"]
        assert terms == msgspec.json.decode(file.read_bytes())["@context"]


def test_no_model_is_taken_for_a_file_elsewhere() -> None:
    assert shipped_model("../../declared") is None
    assert shipped_model("") is None
