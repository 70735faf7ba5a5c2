"""JSON for PostgreSQL: many at once are what each is by itself."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.database.columns import storable_json, storable_lines
from beffroi.kernel.errors import InvalidInputError

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.just("line\nbreak \\ \\u0000"),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(st.lists(documents))
def test_each_of_many_is_written_as_alone(written: list[object]) -> None:
    assert storable_lines(written) == [msgspec.json.encode(one) for one in written]


@pytest.mark.parametrize("text", ["\x00", "a\\\x00", "\ud800"])
def test_what_postgresql_cannot_keep_is_refused_among_many_too(text: str) -> None:
    with pytest.raises(InvalidInputError):
        storable_json({"a": text})
    with pytest.raises(InvalidInputError):
        storable_lines([1, "\\u0000", {"a": [text]}])
