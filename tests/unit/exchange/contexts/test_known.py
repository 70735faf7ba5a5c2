"""Known documents are those of the operator's index."""

from pathlib import Path

import pytest

from beffroi.exchange.contexts.known import known_documents
from beffroi.kernel.errors import InvalidInputError

_URL = "https://smart-data-models.example/context.jsonld"


def test_the_index_says_which_file_stands_for_which_address(tmp_path: Path) -> None:
    (tmp_path / "models.jsonld").write_text("{}")
    (tmp_path / "index.json").write_text(f'{{"{_URL}": "models.jsonld"}}')
    assert known_documents(tmp_path) == {_URL: tmp_path / "models.jsonld"}


@pytest.mark.parametrize("index", [None, "[]", "{", '{"a": 1}'])
def test_an_index_that_cannot_be_read_is_told(tmp_path: Path, index: str | None) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)
    with pytest.raises(InvalidInputError) as refused:
        known_documents(tmp_path)
    assert refused.value.code == "exchange.context_index_unreadable"
    assert str(tmp_path) in refused.value.message()
    assert "{" in refused.value.remedy()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(f'{{"{_URL}": "models.jsonld"}}')
    with pytest.raises(InvalidInputError) as refused:
        known_documents(tmp_path)
    assert refused.value.code == "exchange.context_file_absent"
