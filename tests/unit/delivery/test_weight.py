"""A page's weight is what a browser would count, as far as the page itself tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.weight import PageWeight, eco_index, page_weight, site_weight

SIZES = {
    "/": 900,
    "/style.css?v=2": 4_000,
    "/app.js": 6_000,
    "/mairie.jpg": 50_000,
    "/petit.jpg": 20_000,
    "/icone.svg": 700,
    "/film.mp4": 9_000_000,
    "/carte": 8_000,
}


def weigh(html: str) -> PageWeight:
    return page_weight("www.lemans.fr/vie/", html.encode(), 1_000, SIZES.get)


def test_the_published_example_gets_its_published_grade() -> None:
    index = eco_index(elements=420, requests=22, transferred_bytes=180_000)

    assert round(index.score) == 76
    assert index.grade == "B"
    assert round(index.gco2e, 2) == 1.48
    assert round(index.water_cl, 2) == 2.22


@pytest.mark.parametrize(
    ("elements", "requests", "kilobytes", "score", "grade"),
    [
        (0, 0, 0, 100, "A"),
        (47, 2, 1.37, 95, "A"),
        (603, 78, 1448.32, 50, "D"),
        (594_601, 3920, 223_212.26, 0, "G"),
        (10**9, 10**9, 10**9, 0, "G"),
    ],
)
def test_the_ends_and_the_middle_of_the_scale(
    elements: int, requests: int, kilobytes: float, score: float, grade: str
) -> None:
    index = eco_index(elements, requests, round(kilobytes * 1000))

    assert index.score == pytest.approx(score)
    assert index.grade == grade


amounts = st.integers(0, 10**8)


@given(amounts, amounts, amounts, amounts)
def test_more_is_never_lighter(elements: int, requests: int, sent: int, more: int) -> None:
    score = eco_index(elements, requests, sent).score

    assert 0 <= score <= 100
    assert eco_index(elements + more, requests, sent).score <= score
    assert eco_index(elements, requests + more, sent).score <= score
    assert eco_index(elements, requests, sent + more).score <= score


def test_a_bare_page_is_one_request_and_the_elements_that_every_page_has() -> None:
    page = weigh("Bonjour")

    assert (page.elements, page.requests, page.transferred_bytes) == (3, 1, 1_000)


def test_what_a_browser_makes_no_element_of_is_not_counted() -> None:
    page = weigh(
        "<html><head><title>t</title></head><body><br/>"
        "<svg><g><path d=''/><svg><path/></svg></g></svg><svg/>"
        "<template><p><img src=/mairie.jpg></p></template>"
        "<noscript><img src=/app.js></noscript>"
        "<!-- <p> --><![CDATA[ <p> ]]></body></html>"
    )

    assert page.elements == len(["html", "head", "title", "body", "br", "svg", "svg"]) + 2
    assert page.requests == 1


def test_each_resource_is_fetched_once_and_weighed_as_it_travels() -> None:
    page = weigh(
        '<link rel="preload stylesheet" href="../style.css?v=2"><link rel=icon href=/icone.svg>'
        "<link rel=canonical href=/autre><script src=/app.js></script><script>a()</script>"
        "<img src=/mairie.jpg#haut><img src=https://www.lemans.fr/mairie.jpg>"
        "<picture><source srcset='/grand.avif 2x'><img srcset='/petit.jpg 1x, /mairie.jpg 2x'>"
        "</picture><iframe src=/carte></iframe><img src='data:image/gif;base64,R0lG'>"
        "<a href=/non>x</a><iframe src=about:blank></iframe><img src=''>"
    )

    assert page.requests == 7
    assert page.transferred_bytes == 1_000 + 4_000 + 700 + 6_000 + 50_000 + 20_000 + 8_000
    assert page.unweighed == page.third_parties == ()


def test_what_is_not_known_is_named() -> None:
    page = weigh(
        "<img src=/perdu.png?x=1><script src=//cdn.example/a.js></script>"
        "<link rel=stylesheet href=https://fonts.example/css><img src='http://[oups'>"
    )

    assert page.requests == 4
    assert page.transferred_bytes == 1_000
    assert page.unweighed == ("/perdu.png?x=1",)
    assert page.third_parties == ("https://cdn.example/a.js", "https://fonts.example/css")


@pytest.mark.parametrize(
    ("player", "requests", "sent"),
    [
        ("<video src=/film.mp4>", 2, 1_000),
        ("<video src=/film.mp4 preload=none>", 1, 1_000),
        ("<video src=/film.mp4 preload=auto>", 2, 9_001_000),
        ("<video autoplay preload=none><source src=/film.mp4><source src=/b.webm>", 2, 9_001_000),
        ("<video poster=/petit.jpg preload=none></video><source src=/film.mp4>", 2, 21_000),
    ],
)
def test_a_film_weighs_when_it_plays_by_itself(player: str, requests: int, sent: int) -> None:
    page = weigh(player)

    assert (page.requests, page.transferred_bytes) == (requests, sent)


def test_addresses_follow_the_page_s_base() -> None:
    page = weigh("<base href=/outils/><script src=../app.js></script>")

    assert page.transferred_bytes == 7_000


markup = st.text("<>![]/='\" abimgsrc-:&#;?", max_size=80)


@given(markup)
def test_any_page_can_be_weighed(html: str) -> None:
    page = weigh(html)

    assert page.requests >= 1
    assert page.elements >= 3


def page(address: str, sent: int, *third_parties: str) -> PageWeight:
    return PageWeight(f"lemans.fr{address}", 100, 10, sent, (), third_parties)


def test_a_site_is_told_by_its_median_its_heaviest_pages_and_the_others_it_calls() -> None:
    site = site_weight(
        [
            page("/a", 10_000, "https://cdn.example/a.js"),
            page("/b", 900_000, "https://cdn.example/b.js", "https://stats.example/s.js"),
            *(page(f"/{n}", 20_000 + n) for n in range(11)),
            page("/c", 30_000, "https://cdn.example/a.js"),
        ]
    )

    assert site.pages == 14
    assert 20_000 <= site.median_bytes <= 20_010
    assert (site.median_elements, site.median_requests) == (100, 10)
    assert site.eco_index.grade == "A"
    assert [one.address for one in site.heaviest[:2]] == ["lemans.fr/b", "lemans.fr/c"]
    assert len(site.heaviest) == 10
    assert [(one.host, one.pages) for one in site.third_parties] == [
        ("cdn.example", 3),
        ("stats.example", 1),
    ]
    assert site.third_parties[0].addresses == (
        "https://cdn.example/a.js",
        "https://cdn.example/b.js",
    )
