"""Mistakes in a territory, and where a person finds them in its files."""

from collections.abc import Mapping
from typing import Any

import msgspec

from beffroi.kernel.catalogue import Language, sentence

KeyPath = tuple[str | int, ...]


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong at a path; ``at_key`` points at the key rather than at its value."""

    code: str
    path: KeyPath = ()
    values: Mapping[str, object] = {}
    at_key: bool = False


class Place(msgspec.Struct, frozen=True):
    """A point of a file, lines and columns counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Finding(msgspec.Struct, frozen=True):
    """A mistake at its place."""

    code: str
    file: str
    line: int
    column: int
    path: KeyPath
    values: Mapping[str, object]

    @classmethod
    def of(cls, mistake: Mistake, place: Place) -> "Finding":
        """Put a mistake at its place."""
        return cls(mistake.code, place.file, place.line, place.column, mistake.path, mistake.values)

    def message(self, language: Language) -> str:
        """Say what is wrong, with its values."""
        return self._told(language, "message")

    def remedy(self, language: Language) -> str:
        """Say what to write instead."""
        return self._told(language, "remedy")

    def told(self, language: Language) -> str:
        """Write the place and the sentence on one line, the remedy on the next."""
        place = Place(self.file, self.line, self.column)
        return f"{place}  {self.message(language)}\n    {self.remedy(language)}"

    def as_json(self, language: Language) -> dict[str, Any]:
        """Return what a program needs to show the finding."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": told_path(self.path),
            "message": self.message(language),
            "remedy": self.remedy(language),
        }

    def _told(self, language: Language, part: str) -> str:
        package, _, name = self.code.partition(".")
        values = {"path": told_path(self.path), **self.values}
        return sentence(language, f"{package}.errors.{name}.{part}", **values)


def told_path(path: KeyPath) -> str:
    """Write a path as people read it: ``applications.bus.hosts[0]``."""
    told = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return told.removeprefix(".")


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort findings by place; a mistake seen twice through an anchor is told once."""
    ordered = sorted(findings, key=lambda f: (f.file, f.line, f.column, f.code, told_path(f.path)))
    unique = {(f.file, f.line, f.column, f.code, str(f.values)): f for f in reversed(ordered)}
    return tuple(reversed(unique.values()))
