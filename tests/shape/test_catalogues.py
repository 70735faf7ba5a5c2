"""What people read exists in both languages, for every error that the source raises."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import msgspec
import pytest

from tests.support.sources import PACKAGES, ROOT, place, python_files, tree_of

WITH_CATALOGUE = [package for package in PACKAGES if (package / "locale").is_dir()]
_CODE = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9_]+")


class Raised(msgspec.Struct, frozen=True):
    """One place of the source that makes an error."""

    code: str
    values: frozenset[str] | None
    place: str


def _flat(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)


def _entries(package: Path, language: str) -> dict[str, str]:
    text = (package / "locale" / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text)))


def _placeholders(text: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(text) if name}


def _raised() -> Iterator[Raised]:
    for path in python_files():
        if not path.is_relative_to(ROOT / "src"):
            continue
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(
                    func=ast.Name(id=name) | ast.Attribute(attr=name),
                    args=[ast.Constant(value=str(code)), *_],
                ) if name.endswith("Error") and _CODE.fullmatch(code):
                    names = [keyword.arg for keyword in node.keywords]
                    known = frozenset(one for one in names if one is not None)
                    yield Raised(code, None if None in names else known, place(path, node.lineno))


@pytest.mark.parametrize("package", WITH_CATALOGUE, ids=lambda package: package.name)
def test_both_languages_have_the_same_keys_and_values(package: Path) -> None:
    french, english = _entries(package, "fr"), _entries(package, "en")
    assert french.keys() == english.keys()
    differing = [key for key in french if _placeholders(french[key]) != _placeholders(english[key])]
    assert differing == []
    assert [key for key, text in (french | english).items() if not text.strip()] == []


@pytest.mark.parametrize("package", WITH_CATALOGUE, ids=lambda package: package.name)
def test_every_error_has_a_message_and_a_remedy(package: Path) -> None:
    keys = {key for key in _entries(package, "fr") if key.startswith("errors.")}
    names = {key.split(".")[1] for key in keys}
    expected = {f"errors.{name}.{part}" for name in names for part in ("message", "remedy")}
    assert keys == expected


def test_every_error_that_is_raised_is_in_its_catalogue() -> None:
    raised = list(_raised())
    assert len(raised) > 20
    catalogues = {package.name: _entries(package, "fr") for package in WITH_CATALOGUE}
    missing = [
        f"{one.place}: {one.code}"
        for one in raised
        for package, _, name in [one.code.partition(".")]
        if f"errors.{name}.message" not in catalogues.get(package, {})
    ]
    assert missing == []


def test_every_error_is_given_the_values_that_its_sentences_tell() -> None:
    catalogues = {package.name: _entries(package, "fr") for package in WITH_CATALOGUE}
    wanting = []
    for one in _raised():
        package, _, name = one.code.partition(".")
        for part in ("message", "remedy"):
            text = catalogues.get(package, {}).get(f"errors.{name}.{part}", "")
            missing = _placeholders(text) - (one.values or set())
            if one.values is not None and missing:
                wanting.append(f"{one.place}: {one.code} is told {sorted(missing)} by nobody")
    assert wanting == []


def test_every_error_of_a_catalogue_is_used() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in python_files()
        if path.is_relative_to(ROOT / "src")
    )
    unused = [
        code
        for package in WITH_CATALOGUE
        for code in sorted(
            {
                f"{package.name}.{key.split('.')[1]}"
                for key in _entries(package, "fr")
                if key.startswith("errors.")
            }
        )
        if f'"{code}"' not in text
    ]
    assert unused == []
