"""Regular expressions: they find what Python's find, and none can hold a worker."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.query.patterns import Pattern

_atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-b]", "\\w", "\\d", "\\."])
_expressions = st.recursive(
    _atoms,
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds("{}{}".format, inner, inner)
        | st.builds("(?:{}|{})".format, inner, inner)
        | st.builds(
            "(?:{}){}".format,
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "{0}", "{0,1}", "{0,}", "*?"]),
        )
        | st.builds("{}{}".format, st.sampled_from("^$"), inner)
        | st.builds("{}{}".format, inner, st.sampled_from("^$"))
    ),
    max_leaves=6,
)


@given(_expressions, st.lists(st.text("abc.1", max_size=6), min_size=1, max_size=4))
def test_it_finds_what_python_finds(expression: str, texts: list[str]) -> None:
    pattern, python = Pattern("q", expression), re.compile(expression)
    for text in texts:
        assert pattern.found_in(text) == bool(python.search(text))


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|a)*b", "(a*)*(a*)*$x", "(.*.*.*.*.*)x"])
def test_what_makes_others_go_back_forever_is_decided_at_once(expression: str) -> None:
    pattern = Pattern("idPattern", expression)
    begun = time.perf_counter()
    assert not pattern.found_in("a" * 20_000 + "!")
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("a**", "repeated_twice"),
        ("(?=a)", "group_refused"),
        ("(a)\\1", "escape_refused"),
        ("[a", "bracket_open"),
        ("[b-a]", "range_backwards"),
        ("[[:word:]]", "class_unknown"),
        ("a{2,1}", "repeat_range"),
        ("a{x}", "repeat_unreadable"),
        ("+a", "nothing_repeated"),
        ("((a{200}){200})", "too_large"),
        ("a)", "unexpected"),
    ],
)
def test_what_cannot_be_decided_so_is_refused(expression: str, code: str) -> None:
    with pytest.raises(BadRequestDataError) as told:
        Pattern("idPattern", expression)
    assert told.value.code == f"exchange.pattern_{code}"
    assert str(told.value)


def test_classes_and_case() -> None:
    assert Pattern("q", "(?i)^ÉCOLE$").found_in("école")
    assert Pattern("q", "^[[:alpha:]_]+$").found_in("é_a")
    assert not Pattern("q", "^[^[:digit:]]+$").found_in("a1")
