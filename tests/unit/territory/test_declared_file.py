"""Files of other domains are read with the same care as a territory file."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from beffroi.territory.declared_file import load_declared
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Mistake


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price from a day on."""

    name: str
    since: date
    eur: Annotated[Decimal, Meta(extra_json_schema={"minimum": 0})]
    code: Annotated[str, Meta(pattern="^[0-9]{3}$")] = "000"
    until: date | None = None


class TariffFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tariffs by name."""

    tariffs: dict[str, Tariff]


def _mistakes(file: TariffFile) -> Iterator[Mistake]:
    if "free" in file.tariffs:
        yield Mistake("territory.not_a_slug", ("tariffs", "free"), {"found": "free"}, at_key=True)


def _loaded(folder: Path, text: str) -> TariffFile:
    file = folder / "tariffs.yaml"
    file.write_text(text, encoding="utf-8")
    return load_declared(file, TariffFile, {"tariffs": Tariff}, _mistakes)


def _codes(folder: Path, text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(TerritoryInvalidError) as raised:
        _loaded(folder, text)
    return [(one.code, one.line, one.column) for one in raised.value.found]


def test_money_is_taken_exactly_as_written(tmp_path: Path) -> None:
    found = _loaded(tmp_path, "tariffs:\n  day: {since: 2026-01-31, eur: 0.1812}\n")
    assert found.tariffs["day"] == Tariff("day", date(2026, 1, 31), Decimal("0.1812"))


def test_every_mistake_of_shape_is_told_at_its_place(tmp_path: Path) -> None:
    text = "tariffs:\n  day: {since: 2026-02-30, eur: -1}\n  night: {since: 2026-01-01, eur: x}\n"
    assert _codes(tmp_path, text) == [
        ("territory.not_a_date", 2, 16),
        ("territory.below_minimum", 2, 33),
        ("territory.expected_number", 3, 35),
    ]


def test_a_text_of_another_form_is_told_with_the_form(tmp_path: Path) -> None:
    text = "tariffs:\n  day: {since: 2026-01-31, eur: 1, code: x}\n"
    assert _codes(tmp_path, text) == [("territory.not_of_the_form", 2, 42)]


def test_what_the_nouns_must_agree_on_is_told_at_its_place(tmp_path: Path) -> None:
    text = "tariffs:\n  free: {since: 2026-01-31, eur: 0}\n"
    assert _codes(tmp_path, text) == [("territory.not_a_slug", 2, 3)]


def test_a_wrong_value_of_an_optional_key_is_told_like_another(tmp_path: Path) -> None:
    text = "tariffs:\n  day: {since: 2026-01-31, eur: 1, until: 2026-02-30}\n"
    assert _codes(tmp_path, text) == [("territory.not_a_date", 2, 43)]
