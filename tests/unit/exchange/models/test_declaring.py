"""What is wrong with declarations of models, and what declaring them changes."""

from pathlib import Path

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.flows.model import ChangeKind
from beffroi.exchange.loading import load_declarations
from beffroi.exchange.models.declared import Bounds, DeclaredModel, Mode
from beffroi.exchange.models.differences import held_of, model_changes
from beffroi.exchange.models.library import terms_of
from beffroi.exchange.models.rules import rules_of
from beffroi.territory.errors import TerritoryInvalidError


def written(folder: Path, declared: str) -> Path:
    (folder / "own.json").write_text('{"required": ["seats"]}', encoding="utf-8")
    (folder / "wrong.json").write_text('{"type": "seat"}', encoding="utf-8")
    file = folder / "town.yaml"
    file.write_text("models:\n" + declared, encoding="utf-8")
    return file


def test_a_section_of_models_is_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "  OffStreetParking: {model: OffStreetParking, mode: refuse, period_s: 1800}\n"
        "  Bench: {schema: own.json, bounds: {seats: {minimum: 1}}}\n",
    )
    models = load_declarations(file).models
    assert models["OffStreetParking"].mode is Mode.REFUSE
    assert models["Bench"].bounds == {"seats": Bounds(minimum=1)}


@pytest.mark.parametrize(
    ("declared", "column", "code"),
    [
        ("  Bench: {model: OffStreetParkin}\n", 18, "exchange.model_unknown"),
        ("  Bench: {schema: nowhere.json}\n", 19, "exchange.model_schema_absent"),
        ("  Bench: {schema: wrong.json}\n", 19, "exchange.model_schema_unusable"),
        ("  Bench: {schema: own.json, model: Road}\n", 3, "exchange.model_and_schema"),
        ("  Bench: {bounds: {a: {minimum: 2, maximum: 1}}}\n", 23, "exchange.model_bounds_crossed"),
    ],
)
def test_a_mistake_is_told_at_its_place(
    tmp_path: Path, declared: str, column: int, code: str
) -> None:
    with pytest.raises(TerritoryInvalidError) as refused:
        load_declarations(written(tmp_path, declared))
    (found,) = refused.value.found
    assert (found.code, found.line, found.column) == (code, 2, column)


def test_applying_a_file_again_changes_nothing_and_less_of_it_ends_the_rest() -> None:
    first = {"Bench": DeclaredModel(schema="own.json"), "Road": DeclaredModel(model="Road")}
    held = held_of("arras", "town.yaml", first, {"own.json": b"{}"})
    again = held_of("arras", "town.yaml", first, {"own.json": b"{}"})
    assert list(model_changes(held, again)) == []
    second = {"Bench": DeclaredModel(schema="own.json", mode=Mode.REFUSE)}
    changes = model_changes(
        held, held_of("arras", "town.yaml", second, {"own.json": b'{"type": "object"}'})
    )
    assert [(one.kind, one.name, one.fields) for one in changes] == [
        (ChangeKind.CHANGED, "Bench", ("mode", "schema")),
        (ChangeKind.ENDED, "Road", ()),
    ]


def test_names_stand_for_what_the_context_says_and_for_what_they_are_without_one() -> None:
    declared = {"OffStreetParking": DeclaredModel(model="OffStreetParking")}
    (held,) = held_of("arras", "town.yaml", declared, {})
    rules = rules_of(held)
    names = {CORE.expand("occupancy"), terms_of("Parking")["occupancy"]}
    assert {rules.bounds[name] for name in names} == {Bounds(minimum=0, maximum=1)}
    assert rules.expected == (frozenset({CORE.expand("location")}),)
