"""Territory files written for one test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding
from beffroi.territory.loading import load_territory

Write = Callable[..., Path]
FindingsOf = Callable[..., tuple[Finding, ...]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(text, name)``: put a file beside territory.yaml and return its path."""

    def write_file(text: str | bytes, name: str = "territory.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_file


@pytest.fixture
def findings_of(write: Write) -> FindingsOf:
    """``findings_of(text)``: everything that is wrong with a territory file."""

    def findings(text: str | bytes) -> tuple[Finding, ...]:
        with pytest.raises(TerritoryInvalidError) as raised:
            load_territory(write(text))
        return raised.value.found

    return findings
