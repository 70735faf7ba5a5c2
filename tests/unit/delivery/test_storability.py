"""Which answers are stored, for how long, and what they make stale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.cache_directives import YEAR_S, directives, expiry_s
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.storability import (
    Life,
    NotStorable,
    OriginAnswer,
    Storable,
    capped_for_tokens,
    invalidated_by,
    judged,
)
from beffroi.territory.model import PageRules

SILENT = PageRules()
AN_HOUR = PageRules(life_s=3600)
DATE = ("date", "Mon, 02 Mar 2026 08:00:00 GMT")
CAPPED = Life(3600, 0, 86_400, must_revalidate=False)
KEY = PageKey("lemans.fr", "/agenda/été", "page=2")


def answer(*headers: tuple[str, str], status: int = 200) -> OriginAnswer:
    return OriginAnswer(status, headers)


def controlled(text: str, *headers: tuple[str, str], status: int = 200) -> OriginAnswer:
    return answer(("cache-control", text), *headers, status=status)


def fresh_s(answered: OriginAnswer, rules: PageRules = SILENT) -> int:
    verdict = judged(answered, rules)
    return verdict.life.fresh_s if isinstance(verdict, Storable) else 0


def reason(answered: OriginAnswer, rules: PageRules = SILENT) -> str:
    verdict = judged(answered, rules)
    return verdict.reason if isinstance(verdict, NotStorable) else ""


def life(text: str) -> Life:
    verdict = judged(controlled(text), SILENT)
    assert isinstance(verdict, Storable)
    return verdict.life


CONTROL_NAMES = st.sampled_from(("cache-control", "cdn-cache-control", "surrogate-control"))
PIECES = st.sampled_from(
    (
        *("max-age=60", 'max-age="60"', "max-age=-1", "max-age", "s-maxage=9999999999999999999"),
        *("public", "Private", "NO-STORE", "no-cache", "must-revalidate", "x", "x=1", 'x="a, b"'),
        *(
            "stale-while-revalidate=5",
            "stale-if-error=x",
            '"',
            "=",
            ";",
            "\\",
            'private="set-cookie"',
        ),
    )
)
CONTROLS = st.one_of(
    st.lists(PIECES, max_size=5).map(", ".join),
    st.text(st.sampled_from('amx-ge=0123,"; \\\t\x00éprivat'), max_size=24),
)
DATES = st.sampled_from(
    (
        *("Mon, 02 Mar 2026 08:00:00 GMT", "Mon, 02 Mar 2026 09:00:00 GMT", "0", "-1", ""),
        *("Thu, 01 Jan 9999999 00:00:00 GMT", "Mon, 02 Mar 2026 09:00:00 -0000", "tomorrow"),
    )
)
OTHERS = st.one_of(
    st.tuples(st.sampled_from(("date", "expires")), DATES),
    st.tuples(st.just("age"), st.sampled_from(("0", "30", "-5", "x", "9" * 5000))),
    st.tuples(st.just("vary"), st.sampled_from(("", "*", "Accept-Encoding", "cookie", "Origin"))),
    st.tuples(st.just("pragma"), st.just("no-cache")),
    st.tuples(st.just("cache-groups"), st.sampled_from(('"a"', '"'))),
)
HEADERS = st.lists(st.one_of(st.tuples(CONTROL_NAMES, CONTROLS), OTHERS), max_size=6)
STATUSES = st.sampled_from((200, 201, 206, 301, 302, 304, 404, 500, 503))
RULES = st.builds(
    PageRules,
    life_s=st.sampled_from((0, 60, YEAR_S)),
    ignored_cookies=st.sampled_from(((), ("lang",))),
)
CASES = st.lists(st.booleans(), min_size=8, max_size=8)


def in_cases(word: str, upper: list[bool]) -> str:
    return "".join(
        letter.upper() if upper[place % len(upper)] else letter for place, letter in enumerate(word)
    )


@given(HEADERS, STATUSES, RULES)
def test_no_header_raises_and_each_life_is_within_a_year(
    headers: list[tuple[str, str]], status: int, rules: PageRules
) -> None:
    verdict = judged(answer(*headers, status=status), rules)

    if isinstance(verdict, NotStorable):
        assert verdict.reason
    else:
        told = verdict.life
        assert 0 < told.fresh_s <= YEAR_S
        assert 0 <= told.stale_while_revalidate_s <= YEAR_S
        assert 0 <= told.stale_if_error_s <= YEAR_S
        assert not told.must_revalidate or told == Life(told.fresh_s, 0, 0, must_revalidate=True)


@given(HEADERS, RULES, st.text(max_size=10), st.integers(0, 6))
def test_nothing_that_sets_a_cookie_is_stored(
    headers: list[tuple[str, str]], rules: PageRules, cookie: str, place: int
) -> None:
    headers.insert(place, ("set-cookie", cookie))

    assert isinstance(judged(answer(*headers), rules), NotStorable)


@given(HEADERS, RULES, CONTROL_NAMES, st.sampled_from(("private", "no-store")), CASES)
def test_nothing_private_is_stored_whichever_header_says_it(
    headers: list[tuple[str, str]], rules: PageRules, name: str, word: str, upper: list[bool]
) -> None:
    said = (name, f"max-age=60,  {in_cases(word, upper)} ")

    assert isinstance(judged(answer(*headers, said), rules), NotStorable)


@given(CONTROLS, st.sampled_from(("private", "no-store", "no-cache")))
def test_a_refusal_is_understood_after_anything_that_closes_its_quotes(
    before: str, word: str
) -> None:
    quotes_close = '"' not in before and not before.rstrip().endswith("=")

    assert not quotes_close or word in directives([f"{before}, {word}"])


@given(st.text(max_size=40))
def test_no_text_is_a_control_that_raises(text: str) -> None:
    assert all(0 <= value <= YEAR_S for value in directives([text]).values())


@given(st.text(max_size=40))
def test_no_text_is_a_date_that_raises(text: str) -> None:
    assert expiry_s([("expires", text), DATE]) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-age=60", 60),
        ("MAX-AGE=60", 60),
        ('max-age="60"', 60),
        ("max-age = 60", 60),
        ("public, max-age=60", 60),
        ("max-age=60, max-age=30", 30),
        ("max-age=60, max-age=soon", 0),
        ("max-age=60, s-maxage=600", 600),
        ("s-maxage=0, max-age=600", 0),
        ("s-maxage=x, max-age=600", 0),
        ("max-age=99999999999999999999", YEAR_S),
        ("max-age=" + "9" * 5000, YEAR_S),
        ("max-age=0", 0),
        ("max-age=-60", 0),
        ("max-age=60.5", 0),
        ("max-age=\u0663", 0),
        ("max-age", 0),
        ("max-age=", 0),
        ('max-age="60', 0),
        ("x-max-age=60", 0),
        ('x="max-age=60"', 0),
        ('x="no-store, private", max-age=60', 60),
        ("unknown, max-age=60, other=1", 60),
        ("public", 0),
        ("must-revalidate", 0),
        ("", 0),
    ],
)
def test_cache_control_tells_the_life(text: str, expected: int) -> None:
    assert fresh_s(controlled(text)) == expected


def test_directives_in_several_headers_count_together() -> None:
    told = answer(("cache-control", "max-age=60"), ("cache-control", "max-age=30, public"))

    assert fresh_s(told) == 30
    assert reason(answer(*told.headers, ("cache-control", "private"))) == "private"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("cdn-cache-control", "max-age=10"), ("surrogate-control", "max-age=20")], 10),
        ([("cdn-cache-control", "s-maxage=15, max-age=10")], 15),
        ([("surrogate-control", "max-age=20"), ("cache-control", "s-maxage=30")], 20),
        ([("surrogate-control", 'max-age=20+600, content="ESI/1.0"')], 20),
        ([("cdn-cache-control", "nonsense"), ("cache-control", "max-age=40")], 40),
        ([("cdn-cache-control", "max-age=10"), ("cache-control", "no-cache")], 10),
        ([("cdn-cache-control", "max-age=0"), ("cache-control", "max-age=40")], 0),
        ([("cache-control", "max-age=40"), ("expires", "0")], 40),
        ([DATE, ("expires", "Mon, 02 Mar 2026 09:00:00 GMT")], 3600),
        ([DATE, ("expires", "Mon, 02 Mar 2026 07:00:00 GMT")], 0),
        ([DATE, ("expires", "Mon, 02 Mar 2126 07:00:00 GMT")], YEAR_S),
        ([DATE, ("expires", "Thu, 19 Nov 1981 08:52:00 GMT")], 0),
        ([DATE, ("expires", "-1")], 0),
        ([("expires", "Mon, 02 Mar 2026 09:00:00 GMT")], 0),
        ([("cache-control", "max-age=40"), ("age", "15")], 25),
        ([("cache-control", "max-age=40"), ("age", "15"), ("age", "30")], 10),
        ([("cache-control", "max-age=40"), ("age", "40")], 0),
        ([("cache-control", "max-age=40"), ("age", "old")], 40),
    ],
)
def test_the_life_is_told_by_the_most_targeted_header(
    headers: list[tuple[str, str]], expected: int
) -> None:
    assert fresh_s(answer(*headers)) == expected


def test_the_site_gives_a_life_to_answers_that_tell_none() -> None:
    assert fresh_s(answer(), AN_HOUR) == 3600
    assert fresh_s(controlled("public"), AN_HOUR) == 3600
    assert fresh_s(controlled("nonsense"), AN_HOUR) == 3600
    assert fresh_s(answer(("age", "600")), AN_HOUR) == 3000
    assert fresh_s(controlled("max-age=60"), AN_HOUR) == 60
    assert reason(controlled("max-age=0"), AN_HOUR) == "no-life"
    assert reason(controlled("must-revalidate"), AN_HOUR) == "no-life"
    assert reason(answer(("expires", "0")), AN_HOUR) == "no-life"
    assert reason(answer(("pragma", "no-cache")), AN_HOUR) == "no-cache"
    assert reason(answer()) == "no-life"


@pytest.mark.parametrize("status", [200, 203, 204, 301, 302, 307, 308, 404, 405, 410, 414, 501])
def test_a_status_is_stored_when_the_answer_tells_its_life(status: int) -> None:
    assert fresh_s(controlled("max-age=60", status=status)) == 60


@pytest.mark.parametrize("status", [100, 201, 206, 303, 304, 400, 401, 403, 429, 500, 502, 503])
def test_no_other_status_is_stored(status: int) -> None:
    assert reason(controlled("max-age=60", status=status), AN_HOUR) == "status"


@pytest.mark.parametrize("status", [200, 301, 308, 404, 410, 203, 204, 302, 307, 405, 414, 501])
def test_the_life_of_the_site_counts_for_final_answers(status: int) -> None:
    expected = "" if status in {200, 301, 308, 404, 410} else "status"

    assert reason(answer(status=status), AN_HOUR) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("set-cookie", "a=1")], "set-cookie"),
        ([("set-cookie2", "a=1")], "set-cookie"),
        ([("cache-control", "private")], "private"),
        ([("cache-control", 'private="x-name"')], "private"),
        ([("cache-control", "no-store")], "no-store"),
        ([("cache-control", "x; no-store")], "no-store"),
        ([("cache-control", 'x="a, no-store')], "no-store"),
        ([("cdn-cache-control", "no-store")], "no-store"),
        ([("cache-control", "private"), ("cdn-cache-control", "max-age=60")], "private"),
        ([("cache-control", "no-cache")], "no-cache"),
        ([("cache-control", 'no-cache="set-cookie"')], "no-cache"),
        ([("content-range", "bytes 0-1/2")], "range"),
        ([("clear-site-data", '"cache"')], "clear-site-data"),
        ([("content-encoding", "gzip")], "encoding"),
        ([("content-encoding", "identity")], ""),
        ([("vary", "*")], "vary"),
        ([("vary", "Accept-Encoding, Accept-Language")], "vary"),
        ([("vary", "Accept-Encoding"), ("vary", "Origin")], "vary"),
        ([("vary", "accept-encoding,")], ""),
        ([("xkey", "x" * 1025)], "tags"),
    ],
)
def test_a_refusal_names_its_reason(headers: list[tuple[str, str]], expected: str) -> None:
    assert reason(controlled("max-age=60", *headers), AN_HOUR) == expected


def test_a_page_may_vary_by_cookies_when_every_visitor_of_the_store_has_none() -> None:
    vary = ("vary", "Cookie, Accept-Encoding")

    assert reason(controlled("max-age=60", vary)) == "vary"
    assert reason(controlled("max-age=60", vary), AN_HOUR) == ""
    assert reason(controlled("public, max-age=60", vary)) == ""
    assert reason(controlled("s-maxage=60", vary)) == ""
    assert reason(answer(("cdn-cache-control", "max-age=60"), vary)) == ""
    assert reason(answer(vary), AN_HOUR) == ""
    declared = PageRules(life_s=60, ignored_cookies=("lang",))
    assert reason(controlled("public, max-age=60", vary), declared) == "vary"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-age=10", (60, 86_400, False)),
        ("max-age=10, stale-while-revalidate=5", (5, 86_400, False)),
        ("max-age=10, stale-if-error=7", (60, 7, False)),
        ("max-age=10, stale-if-error=0, stale-while-revalidate=0", (0, 0, False)),
        ("max-age=10, stale-if-error=later", (60, 0, False)),
        ("max-age=10, must-revalidate", (0, 0, True)),
        ("max-age=10, proxy-revalidate, stale-if-error=9", (0, 0, True)),
        ("s-maxage=10", (0, 0, True)),
        ("s-maxage=10, stale-while-revalidate=5", (5, 0, False)),
        ("s-maxage=10, stale-if-error=9", (0, 9, False)),
    ],
)
def test_how_long_an_answer_serves_stale(text: str, expected: tuple[int, int, bool]) -> None:
    while_revalidate_s, if_error_s, must_revalidate = expected

    assert life(text) == Life(10, while_revalidate_s, if_error_s, must_revalidate)


def test_an_answer_is_stored_with_its_tags() -> None:
    verdict = judged(controlled("max-age=60", ("xkey", "a b"), ("cache-groups", '"c"')), SILENT)

    assert isinstance(verdict, Storable)
    assert verdict.tags == {"a", "b", "c"}


@pytest.mark.parametrize(
    "body",
    [
        b'<input type="hidden" name="csrfmiddlewaretoken" value="x">',
        b'<meta name="csrf-token" content="x">',
        b'<input name="_token" value="x">',
        b'<input id="_wpnonce" name="_wpnonce">',
        b'<script nonce="r4nd0m">',
        b'{"root":"/wp-json/","nonce":"0a1b"}',
        b'<input name="__RequestVerificationToken">',
        b'<input name="form_build_id">',
    ],
)
def test_a_page_with_a_token_lives_an_hour_at_most(body: bytes) -> None:
    page = b"<html>" + body + b"</html>"

    assert capped_for_tokens(life("max-age=86400"), page) == CAPPED
    assert capped_for_tokens(life("max-age=60"), page).fresh_s == 60


def test_a_page_without_a_token_keeps_its_life() -> None:
    told = life("max-age=86400")

    assert capped_for_tokens(told, b"<html><p>Announce the tokens of the fair</p></html>") == told


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MOVE", "FROBNICATE"])
@pytest.mark.parametrize("status", [200, 201, 204, 302, 303])
def test_a_change_makes_its_own_page_stale(method: str, status: int) -> None:
    assert invalidated_by(method, answer(status=status), KEY, SILENT) == {KEY}


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("HEAD", 200), ("OPTIONS", 204), ("PROPFIND", 207), ("POST", 404), ("PUT", 503)],
)
def test_what_changed_nothing_makes_nothing_stale(method: str, status: int) -> None:
    told = answer(("location", "/agenda"), status=status)

    assert invalidated_by(method, told, KEY, SILENT) == frozenset()


@pytest.mark.parametrize(
    ("reference", "path", "query"),
    [
        ("/agenda?b=2&a=1&utm_source=x#top", "/agenda", "a=1&b=2"),
        ("https://lemans.fr/agenda", "/agenda", ""),
        ("https://LEMANS.fr:8443/agenda", "/agenda", ""),
        ("//lemans.fr", "/", ""),
        ("https://lemans.fr", "/", ""),
        ("autre", "/agenda/autre", ""),
        ("../%C3%A9", "/é", ""),
        ("?page=3", "/agenda/été", "page=3"),
    ],
)
@pytest.mark.parametrize("name", ["location", "content-location"])
def test_a_change_makes_stale_what_it_names_on_its_host(
    name: str, reference: str, path: str, query: str
) -> None:
    told = answer((name, reference), status=303)

    assert invalidated_by("POST", told, KEY, SILENT) == {KEY, PageKey("lemans.fr", path, query)}


@pytest.mark.parametrize(
    "reference",
    ["https://autre.fr/agenda", "//autre.fr/", "mailto:a@b", "http://[", "/a//b", "\x00"],
)
def test_a_change_leaves_other_hosts_alone(reference: str) -> None:
    found = invalidated_by("POST", answer(("location", reference)), KEY, SILENT)

    assert {key.host for key in found} == {"lemans.fr"}
    assert all(key.path.startswith("/agenda") for key in found)
