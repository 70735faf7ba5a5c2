"""A municipal day: who views which page when, and what is published; the same for the same seed."""

import math
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import accumulate
from typing import Final

import msgspec

SITES: Final = 40
PAGES: Final = 500
PUBLICATIONS: Final = 40
DAY_S: Final = 86_400.0
# Page 0 is the home page, page 1 the feed, pages 2 to 41 are lists, the others are articles.
HOME, FEED, FIRST_LIST, LISTS = 0, 1, 2, 40
_LISTS_OF_ARTICLE: Final = 9
_POPULARITY: Final = 0.9
_SITE_SIGMA: Final = 1.2
_BOTS: Final = 0.5
_CRAWL: Final = (20, 120)
_CRAWL_PAUSE_S: Final = 10.0
_TRACKED: Final = 0.15
# Share of a day's views in each hour: quiet nights, peaks in the morning and the evening.
_HOURS: Final = (
    *(8, 5, 4, 3, 4, 8, 20, 40, 62, 72, 74, 70),
    *(62, 64, 70, 70, 66, 62, 58, 54, 48, 38, 26, 14),
)
# Publications happen in office hours.
_OFFICE: Final = (8.5 * 3600, 18 * 3600)


class View(msgspec.Struct, frozen=True, order=True):
    """One request.

    Attributes:
        at_s: Virtual seconds since midnight.
        tracking: Query that an advertisement or a newsletter added; nothing mostly.
    """

    at_s: float
    site: int
    page: int
    tracking: str
    is_bot: bool


class Publication(msgspec.Struct, frozen=True, order=True):
    """One change of an article, and of all the pages that show it."""

    at_s: float
    site: int
    pages: tuple[int, ...]


class Day(msgspec.Struct, frozen=True):
    """What happens in a day, each list by time."""

    views: Sequence[View]
    publications: Sequence[Publication]

    def events(self) -> Iterator[View | Publication]:
        """Merge both lists, by time."""
        return merge(self.views, self.publications, key=_moment_of)


def _moment_of(event: View | Publication) -> float:
    return event.at_s


def day(views: int, seed: int) -> Day:
    """Draw a day.

    Args:
        views: How many requests, bots included.
        seed: Of the day; which sites are large and what is popular on them stays.
    """
    drawn = random.Random(seed)
    sizes = _site_weights()
    bots = round(views * _BOTS)
    made = [*_people(drawn, sizes, views - bots), *_bots(drawn, bots)]
    return Day(sorted(made), sorted(_publications(drawn, sizes)))


def path_of(page: int) -> str:
    """Return the address of a page on its site."""
    if page == HOME:
        return "/"
    if page == FEED:
        return "/feed/"
    kind = "rubrique" if page < FIRST_LIST + LISTS else "article"
    return f"/{kind}/{page}/"


def host_of(site: int) -> str:
    """Return the host of a site."""
    return f"s{site:02}.villes.localhost"


def shown_on(article: int) -> tuple[int, ...]:
    """Return the 12 pages that change with an article: itself, home, feed and its lists."""
    drawn = random.Random(article)
    lists = drawn.sample(range(FIRST_LIST, FIRST_LIST + LISTS), _LISTS_OF_ARTICLE)
    return (article, HOME, FEED, *sorted(lists))


def _site_weights() -> Sequence[float]:
    drawn = random.Random(1)
    return [drawn.lognormvariate(0, _SITE_SIGMA) for _ in range(SITES)]


def _people(drawn: random.Random, sizes: Sequence[float], count: int) -> Iterator[View]:
    sites = list(accumulate(sizes))
    ranks = list(accumulate(1 / rank**_POPULARITY for rank in range(1, PAGES + 1)))
    popular = [_by_popularity(site) for site in range(SITES)]
    for _ in range(count):
        site = _picked(drawn, sites)
        tracking = _tracking(drawn) if drawn.random() < _TRACKED else ""
        page = popular[site][_picked(drawn, ranks)]
        yield View(_moment(drawn), site, page, tracking, is_bot=False)


def _by_popularity(site: int) -> Sequence[int]:
    """Return the pages of a site, the home page first, the others in an order of the site's."""
    others = list(range(1, PAGES))
    random.Random(1000 + site).shuffle(others)
    return [HOME, *others]


def _bots(drawn: random.Random, count: int) -> Iterator[View]:
    """Have crawlers walk sitemaps: some pages of one site in order, from anywhere in it."""
    left = count
    while left:
        site, page = drawn.randrange(SITES), drawn.randrange(PAGES)
        at_s = drawn.uniform(0, DAY_S)
        for _ in range(min(left, drawn.randint(*_CRAWL))):
            yield View(at_s % DAY_S, site, page % PAGES, "", is_bot=True)
            page, at_s, left = page + 1, at_s + drawn.expovariate(1 / _CRAWL_PAUSE_S), left - 1


def _publications(drawn: random.Random, sizes: Sequence[float]) -> Iterator[Publication]:
    sites = list(accumulate(sizes))
    for _ in range(PUBLICATIONS):
        article = drawn.randrange(FIRST_LIST + LISTS, PAGES)
        yield Publication(drawn.uniform(*_OFFICE), _picked(drawn, sites), shown_on(article))


def _picked(drawn: random.Random, cumulated: Sequence[float]) -> int:
    return min(bisect(cumulated, drawn.random() * cumulated[-1]), len(cumulated) - 1)


def _moment(drawn: random.Random) -> float:
    hour = drawn.choices(range(24), _HOURS)[0]
    return math.nextafter((hour + drawn.random()) * 3600, 0)


def _tracking(drawn: random.Random) -> str:
    if drawn.random() < 0.5:
        return f"fbclid={drawn.getrandbits(96):024x}"
    source = drawn.choice(("facebook", "infolettre", "instagram", "affichage"))
    return f"utm_source={source}&utm_medium=social&utm_campaign=c{drawn.randrange(30)}"
