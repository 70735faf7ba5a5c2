"""JSON at the door: strict, and never in doubt."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.representation.json_reading import read_json
from beffroi.kernel.nesting import DEEPEST

TEXTS = some.text(some.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
DOCUMENTS = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner),
)


@given(document=DOCUMENTS, ascii_alone=some.booleans())
def test_what_json_writes_is_read(document: object, *, ascii_alone: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_alone, allow_nan=False)
    assert read_json(text.encode()) == document


@pytest.mark.parametrize("wide", [b'{"a": [%s]}', b"[[%s]]", b"[%s]"])
def test_what_is_wide_and_not_deep_is_read(wide: bytes) -> None:
    text = wide % b",".join([b'{"b": "[{"}'] * 2 * DEEPEST)
    assert read_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a": 1, "a": 2}', "json_member_twice"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "json_member_twice"),
        (b'{"x": "\\"", "a": 1, "a": "\\u0022"}', "json_member_twice"),
        (b'{"a": NaN}', "json_not_a_number"),
        (b'{"a": -Infinity}', "json_not_a_number"),
        (b'{"a": 1e400}', "json_unreadable"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "json_unreadable"),
        (b'{"a": "\\u0000"}', "json_unkeepable"),
        (b'{"a": "\\ud800"}', "json_unkeepable"),
        (b'{"a": "\\ud800 "}', "json_unkeepable"),
        (b'{"a": 1,}', "json_broken"),
        (b"", "json_broken"),
        (b'{"a": "\xff"}', "json_not_utf8"),
        (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "json_too_deep"),
        (b"[" * 200_000, "json_too_deep"),
        (b"[1," + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"]", "json_too_deep"),
        (b" [" + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"]", "json_too_deep"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(text: bytes, code: str) -> None:
    with pytest.raises(ExchangeError) as refused:
        read_json(text)
    assert refused.value.code == f"exchange.{code}"


def test_depth_counts_levels_and_not_brackets() -> None:
    wide = [[1]] * 500
    deep: object = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert read_json(json.dumps(wide).encode()) == wide
    assert read_json(json.dumps(deep).encode()) == deep
