"""Mistakes in the declaration of a connector are told at their line."""

from pathlib import Path

import pytest

from beffroi.exchange.flows.model import Direction
from beffroi.exchange.flows.planning import planned_flows
from beffroi.exchange.loading import load_declarations
from beffroi.kernel.catalogue import Language
from beffroi.territory.errors import TerritoryInvalidError

DECLARED = """\
connectors:
  parking-to-erp:
    types: [OffStreetParking]
    q: taken>10
    area: {georel: near;maxDistance==500, geometry: Point, coordinates: [4.36, 43.83]}
    fields:
      code: {attribute: id}
      heat: {attribute: heat, unit: FAH, unit_held: CEL}
    table: {host: erp.example, database: erp, user: town, secret: erp, table: car_park, key: [code]}
  parking-to-app:
    types: [OffStreetParking]
    fields:
      code: {attribute: id}
    mqtt: {host: bus.example, topic: "town/{code}"}
  parking-to-museum:
    types: [OffStreetParking]
    fields:
      code: {attribute: id}
    sftp: {host: museum.example, user: town, secret: museum, host_key: "ssh-ed25519 AAAA"}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "flows.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_each_connector_is_a_flow_of_its_targets_kind(tmp_path: Path) -> None:
    flows = list(planned_flows(load_declarations(written(tmp_path, DECLARED))))
    assert [(one.name, one.kind) for one in flows] == [
        ("parking-to-erp", "table"),
        ("parking-to-app", "mqtt"),
        ("parking-to-museum", "sftp"),
    ]
    assert {one.direction for one in flows} == {Direction.OUT}


@pytest.mark.parametrize(
    ("before", "after", "line", "code"),
    [
        ("q: taken>10", "q: taken>>10", 2, None),
        ("georel: near;maxDistance==500", "georel: beside", 2, None),
        ("unit: FAH", "unit: FAX", 8, "exchange.connector_unit_unknown"),
        ("unit_held: CEL", "unit_held: KMH", 8, "exchange.connector_unit"),
        ("attribute: heat,", "attribute: type,", 8, "exchange.connector_unit_of_none"),
        ("key: [code]", "key: [cod]", 9, "exchange.connector_field_unknown"),
        ("town/{code}", "town/{place}", 14, "exchange.connector_field_unknown"),
        ("town/{code}", "town/#", 14, "exchange.connector_topic"),
        ("ssh-ed25519 AAAA", "AAAA", 19, "exchange.connector_host_key"),
        ("    mqtt: {", "    mqt: {", 14, "territory.unknown_key"),
    ],
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, before: str, after: str, line: int, code: str | None
) -> None:
    with pytest.raises(TerritoryInvalidError) as raised:
        load_declarations(written(tmp_path, DECLARED.replace(before, after, 1)))
    found = raised.value.found[0]
    assert found.line == line
    assert code in (found.code, None)
    for language in Language:
        assert "{" not in found.told(language).replace("{code}", "")


def test_a_connector_has_one_target_alone(tmp_path: Path) -> None:
    second = DECLARED.replace(
        "    mqtt: {", '    webhook: {url: "https://a.example", secret: a}\n    mqtt: {'
    )
    with pytest.raises(TerritoryInvalidError) as raised:
        load_declarations(written(tmp_path, second))
    assert [(one.line, one.code) for one in raised.value.found] == [
        (10, "exchange.connector_target")
    ]
