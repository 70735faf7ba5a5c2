"""The tags that answers are dropped by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.cache_groups import (
    TAG_CHARACTERS,
    TAGS,
    has_unusable_tags,
    strings,
    told_invalidations,
    told_tags,
)

TAG = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)


def written(tag: str) -> str:
    escaped = tag.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(st.lists(TAG, min_size=1, max_size=6), st.sampled_from((", ", ",", "\t,\t", " , ")))
def test_a_list_of_strings_is_read_as_it_was_written(tags: list[str], comma: str) -> None:
    assert strings([comma.join(written(tag) for tag in tags)]) == tags


@given(st.lists(TAG, min_size=2, max_size=6))
def test_a_list_may_be_told_in_several_headers(tags: list[str]) -> None:
    assert strings(written(tag) for tag in tags) == tags


@given(st.lists(st.text(st.sampled_from('"\\,; ab=1?:@%*()\té\x00'), max_size=12), max_size=3))
def test_no_header_raises(values: list[str]) -> None:
    headers = [("cache-groups", one) for one in values]

    assert told_tags(headers) <= set(strings(values))


@pytest.mark.parametrize(
    "parameters",
    [
        "; a",
        ";a=1",
        ";a=-1.5; b",
        ';a="x\\"y"',
        ";a=tok/en",
        ";a=:YQ==:",
        ";a=?1",
        ";a=@1659578233",
    ],
)
def test_parameters_are_read_and_ignored(parameters: str) -> None:
    assert strings([f'"x"{parameters}, "y"']) == ["x", "y"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "'x'",
        '"x',
        '"x" "y"',
        '"x",',
        ', "x"',
        '"x",, "y"',
        '"x", y',
        '("x" "y")',
        '"\\x"',
        '"é"',
        '"a\tb"',
        '"x";A=1',
        '"x";',
        '"x";a=',
        '"x" ;a',
        "?1",
    ],
)
def test_a_malformed_list_names_nothing_at_all(text: str) -> None:
    assert strings([text]) == []
    assert told_tags([("cache-groups", text)]) == frozenset()


def test_tags_are_read_from_each_header_that_names_them() -> None:
    headers = [
        ("cache-groups", '"council", "news, local";x=1'),
        ("surrogate-key", "page-1  page-2"),
        ("surrogate-key", "page-3"),
        ("xkey", "x1 x2"),
        ("cache-tag", " t 1 ,t2,,"),
        ("content-type", "text/html"),
    ]

    assert told_tags(headers) == {
        *("council", "news, local", "page-1", "page-2", "page-3", "x1", "x2", "t 1", "t2")
    }


def test_a_malformed_list_leaves_the_other_headers_alone() -> None:
    assert told_tags([("cache-groups", "council"), ("xkey", "x1")]) == {"x1"}


def test_the_case_of_tags_counts() -> None:
    assert told_tags([("xkey", "a A")]) == {"a", "A"}


def test_tags_that_no_purge_could_name_are_noticed() -> None:
    longest = "x" * TAG_CHARACTERS
    many = " ".join(map(str, range(TAGS)))

    assert not has_unusable_tags([("xkey", longest)])
    assert not has_unusable_tags([("xkey", many)])
    assert has_unusable_tags([("xkey", f"{longest}x")])
    assert has_unusable_tags([("xkey", f"{many} one-more")])
    assert has_unusable_tags([("xkey", "a\x7fb")])
    assert told_tags([("xkey", f"{longest}x short")]) == {"short"}
    assert len(told_tags([("xkey", f"{many} one-more")])) == TAGS


def test_an_answer_asks_for_tags_to_be_dropped() -> None:
    headers = [
        ("cache-group-invalidation", '"council"'),
        ("cache-group-invalidation", '"news";x, ""'),
        ("cache-groups", '"other"'),
    ]

    assert told_invalidations(headers) == {"council", "news"}
    assert told_invalidations([("cache-group-invalidation", "*")]) == frozenset()
