"""History through the door: written, asked, figured, corrected, deleted, refused."""

from typing import Any

import pytest

from tests.integration.exchange.api.conftest import Asker, Askers

_BUS = "urn:ngsi-ld:Bus:7"
_PATH = f"temporal/entities/{_BUS}"
_DAY = "timerel=between&timeAt=2026-03-01T00:00:00Z&endTimeAt=2026-03-02T00:00:00Z"


def _speeds(*values: float) -> list[dict[str, Any]]:
    return [
        {"type": "Property", "value": value, "observedAt": f"2026-03-01T12:{minute:02}:00Z"}
        for minute, value in enumerate(values)
    ]


async def _recorded(asker: Asker, *values: float) -> None:
    document = {"id": _BUS, "type": "Bus", "speed": _speeds(*values)}
    answer = await asker.ask("POST", "temporal/entities", document)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/ngsi-ld/v1/{_PATH}"


async def test_history_is_written_and_asked(askers: Askers) -> None:
    await _recorded(askers.arras, 10, 20, 30)

    one = await askers.arras.ask("GET", _PATH)
    several = await askers.arras.ask("GET", f"temporal/entities?type=Bus&q=speed>25&{_DAY}")
    values = await askers.arras.ask("GET", f"{_PATH}?options=temporalValues&lastN=1")

    assert [instance["value"] for instance in one.json()["speed"]] == [10, 20, 30]
    assert [found["id"] for found in several.json()] == [_BUS]
    assert values.json()["speed"] == {
        "type": "Property",
        "values": [[30, "2026-03-01T12:02:00Z"]],
    }


async def test_figures_come_by_parameters_and_by_document(askers: Askers) -> None:
    await _recorded(askers.arras, 10, 20, 60)
    told = {"timerel": "after", "timeAt": "2026-03-01T12:00:00Z"}
    document = {
        "type": "Query",
        "entities": [{"type": "Bus"}],
        "temporalQ": told,
        "aggrParams": {"aggrMethods": ["avg"], "aggrPeriodDuration": "PT1H"},
    }

    asked = await askers.arras.ask(
        "GET",
        f"{_PATH}?options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=PT1H"
        "&timerel=after&timeAt=2026-03-01T12:00:00Z",
    )
    sent = await askers.arras.ask("POST", "temporal/entityOperations/query", document)

    assert asked.json()["speed"]["avg"] == [[30, "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"]]
    assert sent.json()[0]["speed"] == asked.json()["speed"]


async def test_an_instance_is_corrected_and_deleted(askers: Askers) -> None:
    await _recorded(askers.arras, 10, 20)
    name = (await askers.arras.ask("GET", _PATH)).json()["speed"][0]["instanceId"]
    instance = f"{_PATH}/attrs/speed/{name}"

    corrected = await askers.arras.ask("PATCH", instance, _speeds(11)[0])
    shown = (await askers.arras.ask("GET", _PATH)).json()["speed"]
    deleted = await askers.arras.ask("DELETE", instance)
    again = await askers.arras.ask("DELETE", instance)
    rest = await askers.arras.ask("DELETE", f"{_PATH}/attrs/speed?deleteAll=true")
    whole = await askers.arras.ask("DELETE", _PATH)
    gone = await askers.arras.ask("GET", _PATH)

    assert [one["value"] for one in shown] == [11, 20]
    answers = (corrected, deleted, again, rest, whole, gone)
    assert [one.status_code for one in answers] == [204, 204, 404, 204, 204, 404]


async def test_a_deleted_entity_is_remembered(askers: Askers) -> None:
    entity = {"id": _BUS, "type": "Bus", "speed": _speeds(10)[0]}
    assert (await askers.arras.ask("POST", "entities", entity)).status_code == 201
    assert (await askers.arras.ask("DELETE", f"entities/{_BUS}")).status_code == 204

    deleted = await askers.arras.ask("GET", f"{_PATH}?timeproperty=deletedAt")
    audited = await askers.arras.ask("GET", f"{_PATH}?options=audit")

    assert deleted.json()["speed"][0]["value"] == "urn:ngsi-ld:null"
    assert [one["value"] for one in audited.json()["speed"]] == [10, "urn:ngsi-ld:null"]
    assert "deletedAt" in audited.json()


async def test_others_see_nothing_of_it(askers: Askers) -> None:
    await _recorded(askers.arras, 10)

    assert (await askers.lens.ask("GET", _PATH)).status_code == 404
    assert (await askers.lens.ask("DELETE", _PATH)).status_code == 404
    assert (await askers.reader.ask("DELETE", _PATH)).status_code == 403
    assert (await askers.operator.ask("GET", _PATH)).status_code == 200


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (f"{_PATH}?timerel=during&timeAt=2026-03-01T00:00:00Z", "BadRequestData"),
        (f"{_PATH}?timerel=between&timeAt=2026-03-01T00:00:00Z", "BadRequestData"),
        (f"{_PATH}?lastN=0", "BadRequestData"),
        (f"{_PATH}?options=aggregatedValues", "BadRequestData"),
        (f"{_PATH}?options=aggregatedValues&aggrMethods=mean", "BadRequestData"),
        (f"{_PATH}?format=geojson", "InvalidRequest"),
        (f"{_PATH}?options=temporalValues,unknown", "InvalidRequest"),
        (f"{_PATH}?attrs=speed&pick=speed", "BadRequestData"),
        ("temporal/entities?type=Bus", "BadRequestData"),
        (f"temporal/entities?{_DAY}", "BadRequestData"),
        (f"temporal/entities?type=Bus&{_DAY}&orderBy=speed", "BadRequestData"),
    ],
)
async def test_what_cannot_be_asked_is_refused(askers: Askers, path: str, problem: str) -> None:
    answer = await askers.arras.ask("GET", path)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith(problem)
    assert answer.json()["remedy"]
