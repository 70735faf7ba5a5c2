"""Build the portal's SQLite database from the files of ``donnees/``.

Run at build time: ``python build_database.py``. The result is never written to afterwards.
"""

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DATABASE = FOLDER / "territoires.db"
DEPARTMENTS = (("25", "Doubs"), ("30", "Gard"), ("77", "Seine-et-Marne"))


def build(database: Path) -> None:
    """Write the whole database, replacing an earlier one."""
    database.unlink(missing_ok=True)
    epci = _json("epci.json")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript((FOLDER / "schema.sql").read_text(encoding="utf-8"))
        connection.executemany("INSERT INTO departements VALUES (?, ?)", DEPARTMENTS)
        connection.executemany("INSERT INTO epci VALUES (?, ?, ?, ?, ?, ?, ?)", epci_rows(epci))
        connection.executemany(
            "INSERT INTO communes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", commune_rows(epci)
        )
        connection.executemany("INSERT INTO populations VALUES (?, ?, ?, ?)", member_rows(epci))
        connection.executemany("INSERT INTO codes_postaux VALUES (?, ?)", postcode_rows())
        for table in ("communes", "epci"):
            connection.execute(f"INSERT INTO {table}_fts ({table}_fts) VALUES ('rebuild')")
        connection.commit()
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        if orphans:
            raise ValueError(f"{len(orphans)} rows refer to nothing, first {orphans[0]}")
        connection.executescript("ANALYZE; VACUUM;")


def epci_rows(epci: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield one row per intercommunal body."""
    for body in epci:
        yield (
            body["code"],
            body["nom"],
            body["type"],
            body["modeFinancement"],
            len(body["membres"]),
            body["populationMunicipale"],
            body["populationTotale"],
        )


def commune_rows(epci: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield one row per commune of the three departments.

    Population, SIREN and intercommunal body are known for the members of the three bodies only;
    they stay empty for the others.
    """
    details = {commune["code"]: commune for commune in _json("communes.json")}
    body_of = {member["code"]: body["code"] for body in epci for member in body["membres"]}
    with (FOLDER / "donnees" / "contours.csv").open(encoding="utf-8", newline="") as table:
        for line in csv.DictReader(table):
            known = details.get(line["code"], {})
            population = known.get("population")
            area_km2 = float(line["surface_km2"])
            yield (
                line["code"],
                known.get("nom", line["nom"]),
                line["departement"],
                body_of.get(line["code"]),
                known.get("siren"),
                population,
                area_km2,
                None if population is None else round(population / area_km2, 1),
                float(line["longitude"]),
                float(line["latitude"]),
            )


def member_rows(epci: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield the two legal populations of each member of each body."""
    for body in epci:
        for member in body["membres"]:
            yield (
                member["code"],
                body["code"],
                member["populationMunicipale"],
                member["populationTotale"],
            )


def postcode_rows() -> Iterator[tuple[str, str]]:
    """Yield each postcode of each commune."""
    for commune in _json("communes.json"):
        for postcode in commune["codesPostaux"]:
            yield postcode, commune["code"]


def _json(name: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(
        (FOLDER / "donnees" / name).read_text(encoding="utf-8")
    )
    return content


if __name__ == "__main__":
    build(DATABASE)
