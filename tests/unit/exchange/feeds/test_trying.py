"""What `beffroi exchange try` finds in the files of feeds."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beffroi.exchange.cli import group
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.loading import load_declarations
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.errors import TerritoryInvalidError

COUNTS = """\
feeds:
  counts:
    file: counts.csv
    id: urn:ngsi-ld:Parking:{code}
    type: Parking
    observed_at: {column: at, zone: Europe/Paris}
    attributes:
      taken: {column: taken, kind: number, unit: C62, measured: true}
      share: {column: taken, kind: number, divided_by: places, measured: true}
      location: {longitude: lon, latitude: lat}
      isIn: {object: "urn:ngsi-ld:Town:{town}"}
"""
HEADING = "code,at,taken,places,lon,lat,town\n"
GOOD = "Bull Ring,2026-07-01 08:00,45,60,4.36,43.83,30189\n"


def written(folder: Path, table: str, declared: str = COUNTS, name: str = "counts.csv") -> Path:
    (folder / name).write_text(table, encoding="utf-8")
    file = folder / "feeds.yaml"
    file.write_text(declared, encoding="utf-8")
    return file


def tried(file: Path, shown: int = 10) -> Gathered:
    (feed,) = load_declarations(file).feeds.values()
    with Spool() as spool:
        gathered = Gathered(feed, spool, shown)
        gathered.gather(file.parent)
        return gathered


def codes(file: Path) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.code.partition(".")[2]) for one in tried(file).mistakes]


def refused(file: Path) -> list[tuple[int, str]]:
    with pytest.raises(TerritoryInvalidError) as raised:
        load_declarations(file)
    return [(one.line, one.code) for one in raised.value.found]


def test_a_row_becomes_an_entity_with_units_times_places_and_relations(tmp_path: Path) -> None:
    (entity,) = tried(written(tmp_path, HEADING + GOOD)).shown
    observed = {"observedAt": "2026-07-01T06:00:00Z"}
    assert entity == {
        "id": "urn:ngsi-ld:Parking:Bull%20Ring",
        "type": "Parking",
        "taken": {"type": "Property", "value": 45, "unitCode": "C62", **observed},
        "share": {"type": "Property", "value": 0.75, **observed},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [4.36, 43.83]},
        },
        "isIn": {"type": "Relationship", "object": "urn:ngsi-ld:Town:30189"},
    }


def test_an_empty_cell_tells_nothing(tmp_path: Path) -> None:
    (entity,) = tried(written(tmp_path, HEADING + "a,2026-07-01 08:00,,,,,\n")).shown
    assert set(entity) == {"id", "type"}


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("a,2026-07-01 08:00,many,60,4,43,1", 3, "feed_not_a_number"),
        ("a,2026-07-01 08:00,nan,60,4,43,1", 3, "feed_not_a_number"),
        ("a,2026-07-01 08:00,1_000,60,4,43,1", 3, "feed_not_a_number"),
        ("a,2026-07-01 08:00,5,0,4,43,1", 4, "feed_divided_by_zero"),
        ("a,2026-07-01 08:00,5,60,4,143,1", 6, "feed_degrees"),
        ("a,yesterday,5,60,4,43,1", 2, "feed_not_an_instant"),
        ("a,01/07/2026 08:00,5,60,4,43,1", 2, "feed_instant_form"),
        ("a,1782885600,5,60,4,43,1", 2, "feed_instant_form"),
        ('a,2026-07-01 08:00,"5,5",60,4,43,1', 3, "feed_number_comma"),
        ("a,2026-03-29 02:30,5,60,4,43,1", 2, "feed_instant_skipped"),
        ("a,,5,60,4,43,1", 2, "feed_instant_empty"),
        (",2026-07-01 08:00,5,60,4,43,1", 1, "feed_id_empty"),
        ("a,2026-07-01 08:00,5,60,4,43,1,9", 1, "feed_row_too_long"),
        ("Bull Ring,2026-07-01 08:00,5,60,4,43,1", 1, "feed_row_twice"),
    ],
)
def test_a_wrong_row_is_told_with_its_line_and_column_and_the_others_stand(
    tmp_path: Path, row: str, column: int, code: str
) -> None:
    file = written(tmp_path, HEADING + GOOD + "\n" + row + "\n" + GOOD.replace("Bull", "Pig"))
    gathered = tried(file)
    (mistake,) = gathered.mistakes
    assert (mistake.line, mistake.column) == (4, column)
    assert mistake.code == f"exchange.{code}"
    assert len(gathered.shown) == 2
    for language in Language:
        assert "{" not in mistake.told(language)


def test_lines_count_those_inside_quotes(tmp_path: Path) -> None:
    row = '"two\nlines",2026-07-01 08:00,5,60,4,43,1\n'
    wrong = "b,2026-07-01 08:00,five,60,4,43,1\n"
    assert codes(written(tmp_path, HEADING + row + wrong)) == [(4, 3, "feed_not_a_number")]


def test_a_row_that_repeats_another_is_no_mistake(tmp_path: Path) -> None:
    gathered = tried(written(tmp_path, HEADING + GOOD + GOOD))
    assert (gathered.refused, gathered.spool.rows) == (0, 1)


def test_a_table_of_semicolons_and_commas_in_windows_1252_and_gzip_is_read(tmp_path: Path) -> None:
    text = "code;nom;débit\n1;Vistre;1 234,5\n"
    (tmp_path / "river.csv.gz").write_bytes(gzip.compress(text.encode("cp1252")))
    file = tmp_path / "feeds.yaml"
    file.write_text(
        "feeds:\n  rivers:\n    file: river.csv.gz\n    id: 'urn:river:{code}'\n    type: River\n"
        "    decimals: ','\n    attributes:\n      flow: {column: débit, kind: number}\n",
        encoding="utf-8",
    )
    (entity,) = tried(file).shown
    assert entity["flow"] == {"type": "Property", "value": 1234.5}


def test_a_table_as_excel_writes_unicode_text_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    table = (HEADING + GOOD.replace("Bull Ring", "Arènes")).replace(",", "\t")
    (tmp_path / "counts.csv").write_bytes(table.encode("utf-16"))
    (entity,) = tried(file).shown
    assert entity["id"] == "urn:ngsi-ld:Parking:Ar%C3%A8nes"


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("01/07/2026 08:00", "%d/%m/%Y %H:%M"),
        ("7/30/2026 8:00:00", "%m/%d/%Y %H:%M:%S"),
        ("30.07.2026", "%d.%m.%Y"),
        ("1782885600", "epoch"),
        ("1782885600000", "epoch-ms"),
    ],
)
def test_the_form_that_a_remedy_names_reads_the_time(tmp_path: Path, told: str, form: str) -> None:
    table = HEADING + GOOD.replace("2026-07-01 08:00", told)
    (mistake,) = tried(written(tmp_path, table)).mistakes
    assert mistake.values["form"] == form
    declared = COUNTS.replace("{column: at,", f'{{column: at, format: "{form}",')
    (entity,) = tried(written(tmp_path, table, declared)).shown
    assert '"observedAt": "2026-07-' in json.dumps(entity)


def test_features_are_read_with_their_geometry_and_told_by_their_line(tmp_path: Path) -> None:
    def feature(code: object, geometry: Any) -> str:
        told = {"type": "Feature", "properties": {"code": code}, "geometry": geometry}
        return json.dumps(told)

    point = {"type": "Point", "coordinates": [4.3, 43.8]}
    broken = {"type": "Polygon", "coordinates": [[4.3, 43.8]]}
    lines = [feature(1, point), feature(2, broken), feature(None, point)]
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"
    declared = (
        "feeds:\n  towns:\n    file: towns.geojson\n    id: 'urn:town:{code}'\n    type: Town\n"
        "    attributes:\n      location: {geometry: true}\n"
    )
    gathered = tried(written(tmp_path, text, declared, "towns.geojson"))
    assert [one["id"] for one in gathered.shown] == ["urn:town:1"]
    assert [one.line for one in gathered.mistakes] == [3, 4]
    assert gathered.mistakes[1].code == "exchange.feed_id_empty"


@pytest.mark.parametrize(
    ("before", "after", "line", "code"),
    [
        ("column: taken, kind", "column: takn, kind", 8, "exchange.feed_column_unknown"),
        ("{code}", "{cod}", 4, "exchange.feed_column_unknown"),
        ("column: at,", "column: at, format: '%Q %H:%M',", 6, "exchange.feed_form_unknown"),
        ("column: at,", "column: at, format: '%H:%M',", 6, "exchange.feed_form_unknown"),
        ("column: at,", "column: at, format: '%d %d/%m/%Y',", 6, "exchange.feed_form_unknown"),
        ("Europe/Paris", "Europe/Nimes", 6, "exchange.feed_zone_unknown"),
        ("longitude: lon, latitude: lat", "longitude: lon", 10, "exchange.feed_attribute_source"),
        ("longitude: lon, latitude: lat", "geometry: true", 10, "exchange.feed_no_geometry"),
        ("counts.csv", "absent.csv", 3, "exchange.feed_file_absent"),
        ("kind: number, divided_by", "divided_by", 9, "exchange.feed_division_of_text"),
        ("unit:", "units:", 8, "territory.unknown_key"),
    ],
)
def test_a_mistake_of_the_declaration_is_told_at_its_line(
    tmp_path: Path, before: str, after: str, line: int, code: str
) -> None:
    file = written(tmp_path, HEADING + GOOD, COUNTS.replace(before, after, 1))
    assert refused(file) == [(line, code)]


def test_measures_need_a_time(tmp_path: Path) -> None:
    lines = [line for line in COUNTS.splitlines() if "observed_at" not in line]
    found = refused(written(tmp_path, HEADING + GOOD, "\n".join(lines)))
    assert [code for _, code in found] == ["exchange.feed_observed_at_missing"] * 2


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b"\n\n"])
def test_a_file_that_cannot_be_read_is_told_in_the_declaration(
    tmp_path: Path, content: bytes
) -> None:
    declared = COUNTS.replace("counts.csv", "counts.csv.gz")
    file = written(tmp_path, "", declared)
    (tmp_path / "counts.csv.gz").write_bytes(content)
    ((line, code),) = refused(file)
    assert line == 3
    assert code in {"exchange.feed_file_unreadable", "exchange.feed_file_empty"}


def test_rows_come_back_in_the_order_of_time(tmp_path: Path) -> None:
    late, early = GOOD.replace("08:00", "09:00"), GOOD.replace("Bull", "Pig")
    (feed,) = load_declarations(written(tmp_path, HEADING + late + early)).feeds.values()
    with Spool() as spool:
        Gathered(feed, spool).gather(tmp_path)
        assert [[row.line for row in batch] for batch in spool.batches(1)] == [[3], [2]]


CONNECTOR = """\
connectors:
  to-erp:
    types: [Parking]
    fields: {code: {attribute: id}}
    webhook: {url: "https://erp.example/hook", secret: erp}
"""


def test_what_is_declared_beside_feeds_is_told_and_not_passed_over(tmp_path: Path) -> None:
    file = written(tmp_path, "", CONNECTOR)
    told = CliRunner(env={"BEFFROI_LANGUAGE": "en"}).invoke(group, ["try", str(file)])
    assert told.exit_code == 0
    assert told.stdout.startswith("Well declared: the connectors to-erp.")


@pytest.mark.parametrize("since", ["yesterday", "2026-11-22T08:00"])
def test_a_replay_from_no_moment_is_refused_with_an_example(since: str) -> None:
    told = CliRunner().invoke(group, ["replay", "to-erp", "--since", since])
    assert isinstance(told.exception, InvalidInputError)
    assert told.exception.code == "exchange.flow_since_wrong"
    assert "2026-11-22T08:00Z" in told.exception.remedy(Language.EN)
