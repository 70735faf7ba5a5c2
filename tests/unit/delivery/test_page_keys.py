"""Which requests ask for the same page, and how its link is named."""

import re
from pathlib import Path, PurePosixPath
from string import ascii_letters, digits
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.page_keys import (
    CANONICAL_PATH,
    CANONICAL_QUERY,
    HARMLESS_COOKIES,
    ONLY_TRACKING,
    TRACKING_PARAMETERS,
    PageKey,
    cookie_pattern,
    counts_as_session,
    link_name,
    page_key,
    target,
)
from beffroi.territory.model import PageRules

HOST = "lemans.fr"


def escaped(path: str) -> str:
    """Write a path as browsers do."""
    return quote(path, safe="/~!$&'()*+,;=:")


ANY = PageRules()
SEGMENTS = st.text(
    st.sampled_from("abz019._~!$&'()*+,;=:- éœ日😀"), min_size=1, max_size=30
).filter(lambda one: one not in {".", ".."})
PATHS = st.builds(
    lambda parts, slash: escaped("/" + "/".join(parts) + (slash if parts else "")),
    st.lists(SEGMENTS, max_size=4),
    st.sampled_from(("", "/")),
)
PARAMETERS = st.builds(
    lambda name, value: f"{name}{value}",
    st.sampled_from(("a", "b", "page", "q[]", "%61", "utm_source", "fbclid", "a.b", "")),
    st.one_of(st.just(""), st.text(ascii_letters + digits + "%+.-", max_size=6).map("={}".format)),
)
QUERIES = st.lists(PARAMETERS, max_size=6).map("&".join)
TARGETS = st.builds(lambda path, query: f"{path}?{query}" if query else path, PATHS, QUERIES)
RULES = st.sampled_from((ANY, PageRules(queries=("a", "page")), PageRules(queries=())))


def key_of(raw_target: str, rules: PageRules = ANY) -> PageKey:
    found = page_key(HOST, raw_target, rules)
    assert found is not None
    return found


def made_of(pattern: str, text: str) -> bool:
    """Match as nginx does, which searches an anchored pattern."""
    return re.search(f"^(?:{pattern})$", text) is not None


@given(TARGETS, RULES)
def test_what_is_asked_of_the_origin_has_the_same_key(raw_target: str, rules: PageRules) -> None:
    key = key_of(raw_target, rules)

    assert key_of(target(key), rules) == key


@given(PATHS)
def test_a_path_is_decoded_as_nginx_does(path: str) -> None:
    assert escaped(key_of(path).path) == path


@given(st.text(st.sampled_from("/.%2FfC3A9aé@?#\\ \n\0~"), max_size=12))
def test_no_target_raises_and_a_stored_one_climbs_nowhere(raw_target: str) -> None:
    key = page_key(HOST, raw_target, ANY)

    if key is not None:
        parts = key.path.split("/")
        assert not {".", ".."}.intersection(parts)
        assert "" not in parts[1:-1]
        assert made_of(CANONICAL_PATH, raw_target.partition("?")[0])


@pytest.mark.parametrize(
    "raw_target",
    [
        "",
        "a",
        "//",
        "/a//b",
        "/.",
        "/a/..",
        "/a/../b",
        "/./a",
        "/a/.?b",
        "/%2e%2e/a",
        "/a%2fb",
        "/a@b",
        "/%40",
        "/%00",
        "/%25",
        "/a\\b",
        "/é",
        "/%C3",
        "/%C0%AF",
        "/%ED%A0%80",
        "/%F4%90%80%80",
        "/a#b",
        "/" + "a" * 121,
        "/" + "%C3%A9" * 61,
        "/" + "a/" * 512,
        "/?q=é",
        "/?a=/",
        "/?a=@",
        "/?a#b",
        "/?" + "a" * 121,
        "/page;jsessionid=1A2B",
        "/?PHPSESSID=1",
        "http://lemans.fr/",
    ],
)
def test_what_names_no_file_for_sure_is_not_stored(raw_target: str) -> None:
    assert page_key(HOST, raw_target, ANY) is None


@pytest.mark.parametrize(
    "raw_target", ["/", "/..a", "/...", "/%20", "/a%C3%A9b", "/" + "a" * 120, "/" + "a/" * 511]
)
def test_what_names_a_file_is_stored(raw_target: str) -> None:
    assert link_name(key_of(raw_target)).startswith("lemans.fr/")


@pytest.mark.parametrize(
    "host", ["", "..", "a/b", ".fr", "a..fr", "-a.fr", "a b", "é.fr", "a" * 254]
)
def test_a_host_that_is_no_name_is_not_stored(host: str) -> None:
    assert page_key(host, "/", ANY) is None


def test_the_case_of_a_host_means_nothing() -> None:
    assert page_key("LeMans.FR", "/", ANY) == key_of("/")


@given(st.sets(TARGETS.map(key_of), max_size=8))
def test_links_are_of_different_names_and_in_nobodys_way(keys: set[PageKey]) -> None:
    names = [PurePosixPath(link_name(key)) for key in keys]
    folders = {folder for name in names for folder in name.parents}

    assert len(set(names)) == len(keys)
    assert folders.isdisjoint(names)


@given(TARGETS, RULES)
def test_each_part_of_a_link_fits_a_name_of_the_file_system(raw: str, rules: PageRules) -> None:
    parts = link_name(key_of(raw, rules)).split("/")

    assert max(len(f"{part}.new".encode()) for part in parts) <= 255


def test_a_page_its_folder_and_what_is_below_coexist_as_files(tmp_path: Path) -> None:
    raw_targets = ("/a", "/a/", "/a/b", "/a?b", "/a/?b", "/", "/?a", "/a/b/", "/a/b/c?a=1&b=2")
    for raw_target in raw_targets:
        link = tmp_path / link_name(key_of(raw_target))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(raw_target)

    assert sum(one.is_file() for one in tmp_path.rglob("*")) == len(raw_targets)
    assert (tmp_path / "lemans.fr/a@").read_text() == "/a"
    assert (tmp_path / "lemans.fr/a/@").read_text() == "/a/"
    assert (tmp_path / "lemans.fr/a/b@").read_text() == "/a/b"


def test_ten_thousand_tracking_queries_are_one_page() -> None:
    names = [f"{one[:-1]}x" if one.endswith("*") else one for one in TRACKING_PARAMETERS]
    queries = {
        f"{names[number % len(names)]}={number}&fbclid={'x' * (number % 300)}"
        for number in range(10_000)
    }

    assert len(queries) == 10_000
    assert {key_of(f"/agenda?{query}") for query in queries} == {key_of("/agenda")}
    assert all(made_of(ONLY_TRACKING, query) for query in queries)


@given(QUERIES, RULES)
def test_what_nginx_takes_for_tracking_alone_has_no_query(query: str, rules: PageRules) -> None:
    key = key_of(f"/?{query}", rules)

    assert made_of(CANONICAL_QUERY, key.query)
    assert not made_of(ONLY_TRACKING, query) or key.query == ""


@pytest.mark.parametrize(
    ("query", "kept", "normalised"),
    [
        ("", ("*",), ""),
        ("&&", ("*",), ""),
        ("b=2&a=1", ("*",), "a=1&b=2"),
        ("b=2&a=3&b=1&a=2", ("*",), "a=3&a=2&b=2&b=1"),
        ("utm_source=x&page=2&gclid=y", ("*",), "page=2"),
        ("utm%5Fsource=x&page=2", ("*",), "page=2"),
        ("utm=1&fbclids=2", ("*",), "fbclids=2&utm=1"),
        ("page=2&random=1", ("page",), "page=2"),
        ("p%61ge=2&random=1", ("page",), "p%61ge=2"),
        ("page=2", (), ""),
        ("2024-report", ("*",), "2024-report"),
        ("q[]=b&q[]=a", ("q[]",), "q[]=b&q[]=a"),
    ],
)
def test_a_query_keeps_what_changes_the_page(
    query: str, kept: tuple[str, ...], normalised: str
) -> None:
    assert key_of(f"/?{query}", PageRules(queries=kept)).query == normalised


COOKIE_NAMES = st.sampled_from(
    ("_ga", "_ga_X1", "_pk_id.1.ab", "sessionid", "_gazette_session", "lang", "theme_dark", "", "*")
)
COOKIES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(("", " ", "\t ")),
        COOKIE_NAMES,
        st.sampled_from(("", "=", " = ", "==")),
        st.sampled_from(("", "1", '"1"', '"', "a b", "a,b", "é", "x=y", " ")),
    ),
)
HEADERS = st.lists(COOKIES, max_size=5).map(";".join)
IGNORED = st.sampled_from(((), ("lang",), ("theme_*",), ("lang", "theme_*")))


def _is_harmless(cookie: str, ignored: tuple[str, ...]) -> bool:
    """Decide for one cookie in words, as the pattern does for all of them."""
    if not cookie.strip(" \t"):
        return True
    name, equals, value = cookie.partition("=")
    if not equals or re.search(r"[\x00-\x20,\x7f]", value.strip(" \t")):
        return False
    return any(
        name.strip(" \t").startswith(one[:-1]) if one.endswith("*") else name.strip(" \t") == one
        for one in (*HARMLESS_COOKIES, *ignored)
    )


@given(HEADERS, IGNORED)
def test_the_pattern_and_the_decision_agree_on_every_header(
    header: str, ignored: tuple[str, ...]
) -> None:
    counts = counts_as_session(header, ignored)

    assert counts is not made_of(cookie_pattern(ignored), header)
    assert counts is not all(_is_harmless(one, ignored) for one in header.split(";"))


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ";",
        "_ga=GA1.2.3",
        "_ga=1; _gid=2;_fbp=",
        "_ga = 1 ;\t_pk_id.7.1fff=2 ; ",
        '_ga="1"',
        "tarteaucitron=!gtag=true!youtube=wait",
    ],
)
def test_measures_of_the_audience_are_no_session(header: str) -> None:
    assert not counts_as_session(header, ())


@pytest.mark.parametrize(
    "header",
    [
        "sessionid=1",
        "_ga=1; sessionid=1",
        "_ga=1;sessionid=1",
        "_ga=1 sessionid=1",
        "_ga=1, sessionid=1",
        '_ga="1; sessionid=1"',
        "_ga",
        "1234",
        "=1234",
        "_GA=1",
        "_gazette_session=1",
        "_pk_id=1",
        "x_ga=1",
        "_ga\x00=1",
    ],
)
def test_anything_else_may_be_a_session(header: str) -> None:
    assert counts_as_session(header, ())


def test_a_site_declares_cookies_harmless() -> None:
    assert counts_as_session("lang=fr; theme_dark=1", ())
    assert counts_as_session("lang=fr; theme_dark=1", ("lang",))
    assert not counts_as_session("lang=fr; theme_dark=1", ("lang", "theme_*"))
    assert counts_as_session("a.b=1", ("a+b",))
    assert not counts_as_session("a+b=1", ("a+b",))


@pytest.mark.parametrize(
    "pattern",
    [CANONICAL_PATH, CANONICAL_QUERY, ONLY_TRACKING, cookie_pattern(("a$", "b'c", "d|e*"))],
)
def test_patterns_fit_a_quoted_string_of_nginx_and_capture_nothing(pattern: str) -> None:
    assert '"' not in pattern
    assert not re.search(r"\\[\\'rn]|\\$", pattern)
    assert re.compile(pattern).groups == 0


def test_the_order_of_declared_cookies_changes_no_pattern() -> None:
    assert cookie_pattern(("b", "a", "b")) == cookie_pattern(("a", "b"))
