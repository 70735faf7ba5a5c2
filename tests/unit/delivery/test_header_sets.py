"""Which headers a stored answer keeps, and how nginx is told them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.header_sets import (
    HeaderSet,
    NumberedSet,
    configured_headers,
    header_set,
    nginx_value,
)
from beffroi.delivery.storability import OriginAnswer

HTML = ("content-type", "text/html; charset=utf-8")
CACHED = ("cache-control", "max-age=60")
NAMES = st.sampled_from(("link", "content-language", "x-frame-options", "x-a", "cache-control"))
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6)


def kept(*headers: tuple[str, str], status: int = 200) -> HeaderSet:
    found = header_set(OriginAnswer(status, headers))
    assert found is not None
    return found


def read_by_nginx(text: str) -> str:
    """Read a quoted word as nginx's parser and its variables do."""
    assert text[0] == text[-1] == '"'
    assert not re.search(r'(?<!\\)(?:\\\\)*"', text[1:-1])
    unescaped = re.sub(r"\\([\\\"'])", r"\1", text[1:-1])
    assert "$" not in unescaped.replace("${dollar}", "")
    return unescaped.replace("${dollar}", "$")


def test_type_and_target_are_apart_from_the_other_headers() -> None:
    found = kept(HTML, ("location", "/agenda"), CACHED, ("content-language", "fr"), status=301)

    assert found.status == 301
    assert found.content_type == "text/html; charset=utf-8"
    assert found.location == "/agenda"
    assert found.headers == (("cache-control", "max-age=60"), ("content-language", "fr"))
    assert re.fullmatch(r"[0-9a-f]{12}", found.digest)


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"),
        *("date", "age", "expires", "server", "content-length", "content-encoding", "etag"),
        *("last-modified", "set-cookie", "vary", "accept-ranges", "cache-groups", "xkey"),
        *("surrogate-key", "surrogate-control", "cache-tag", "cdn-cache-control", "x-request-id"),
        *("server-timing", "x-runtime", "x-powered-by", "x-accel-redirect", "x-accel-expires"),
        *("x-forwarded-host", "alt-svc", "strict-transport-security", "x-content-type-options"),
    ],
)
def test_what_belongs_to_one_answer_is_dropped(name: str) -> None:
    assert kept(HTML, CACHED, (name, "x")) == kept(HTML, CACHED)


def test_what_belongs_to_one_connection_is_dropped_by_its_name() -> None:
    found = kept(CACHED, ("connection", "X-Hop, close"), ("x-hop", "1"), ("x-end", "2"))

    assert found.headers == (CACHED, ("x-end", "2"))


def test_browsers_ask_again_for_what_names_no_life() -> None:
    assert kept(HTML).headers == (("cache-control", "no-cache"),)
    assert kept(HTML, CACHED).headers == (CACHED,)


def test_a_header_told_twice_is_one() -> None:
    found = kept(CACHED, ("x-a", "1"), ("x-b", "0"), ("x-a", " 2"), ("x-a", "1"), ("x-c", ""))

    assert found.headers == (CACHED, ("x-a", "1, 2"), ("x-b", "0"))


def test_links_of_one_page_alone_are_dropped() -> None:
    links = (
        '<https://lemans.fr/wp-json/>; rel="https://api.w.org/"',
        '<https://lemans.fr/?rest_route=2>; rel="alternate"; title="J, x"; type="application/json"',
        "<https://lemans.fr/?p=2>; rel=shortlink",
        '</style.css>; rel=preload; as="style"',
    )

    found = kept(CACHED, ("link", ", ".join(links[:2])), ("link", ", ".join(links[2:])))

    assert dict(found.headers)["link"] == f"{links[0]}, {links[3]}"
    assert kept(CACHED, ("link", links[2])) == kept(CACHED)


@given(HEADERS)
def test_answers_alike_share_their_set(headers: list[tuple[str, str]]) -> None:
    by_name = sorted(headers, key=lambda one: one[0])

    assert header_set(OriginAnswer(200, tuple(by_name))) == header_set(
        OriginAnswer(200, tuple(headers))
    )


@given(HEADERS, HEADERS, st.sampled_from((200, 404)), st.sampled_from((200, 404)))
def test_answers_unlike_have_sets_of_their_own(
    left: list[tuple[str, str]], right: list[tuple[str, str]], left_status: int, right_status: int
) -> None:
    one = kept(*left, status=left_status)
    other = kept(*right, status=right_status)

    assert (one.digest == other.digest) == (one == other)


@pytest.mark.parametrize(
    "header",
    [
        ("x-a", "a\nb"),
        ("x-a", "a\x00"),
        ("x-a", "a\x7f"),
        ("x-a", "é"),
        ("x-a", "\udce9"),
        ("x-a", "x" * 4097),
        ("x a", "1"),
        ("x.a", "1"),
        ("é", "1"),
        ("content-type", "text"),
        ("content-type", "text/$html"),
        ("content-type", "text/html, text/plain"),
        ("content-type", "text/html; a=$x"),
        ("location", "/\r\nx: y"),
    ],
)
def test_what_the_configuration_cannot_hold_is_not_kept(header: tuple[str, str]) -> None:
    assert header_set(OriginAnswer(200, (CACHED, header))) is None


@pytest.mark.parametrize("name", ["content-type", "location"])
def test_two_types_or_targets_are_not_kept(name: str) -> None:
    twice = ((name, "text/html"), (name, "text/plain"))

    assert header_set(OriginAnswer(200, twice)) is None
    assert header_set(OriginAnswer(200, (twice[0], twice[0]))) is not None


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30))
def test_a_value_reaches_nginx_as_it_is(text: str) -> None:
    assert read_by_nginx(nginx_value(text)) == text


def test_a_value_cannot_name_a_variable() -> None:
    assert nginx_value('a$host "b" \\') == '"a${dollar}host \\"b\\" \\\\"'


def test_each_header_is_told_by_the_names_of_the_sets_that_have_it() -> None:
    plain = NumberedSet(7, kept(HTML, CACHED))
    french = NumberedSet(0xA0F, kept(HTML, CACHED, ("content-language", "fr")))
    silent = NumberedSet(0xFFF, kept(HTML))

    assert configured_headers([french, plain, silent]) == {
        "cache-control": {"007": "max-age=60", "a0f": "max-age=60", "fff": "no-cache"},
        "content-language": {"a0f": "fr"},
    }
    assert list(configured_headers([french, plain])) == ["cache-control", "content-language"]
    assert repr(configured_headers([french, plain])) == repr(configured_headers([plain, french]))
