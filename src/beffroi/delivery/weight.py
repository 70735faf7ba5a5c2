"""What a page weighs on its readers' devices, and its EcoIndex; pure.

The page is read as it was sent. What scripts add, what style sheets import, what framed pages
load and the table bodies that a browser supplies are out of reach: the figures are lower bounds.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from statistics import median
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

import msgspec

# The 5 % quantiles of 500,000 pages of the HTTP Archive, and the least rounded score above
# which each grade is given: https://github.com/cnumr/ecoindex_reference
# fmt: off
_ELEMENT_QUANTILES: Final = (
    0, 47, 75, 159, 233, 298, 358, 417, 476, 537, 603, 674, 753, 843, 949, 1076, 1237, 1459, 1801,
    2479, 594601,
)
_REQUEST_QUANTILES: Final = (
    0, 2, 15, 25, 34, 42, 49, 56, 63, 70, 78, 86, 95, 105, 117, 130, 147, 170, 205, 281, 3920,
)
_KILOBYTE_QUANTILES: Final = (
    0, 1.37, 144.7, 319.53, 479.46, 631.97, 783.38, 937.91, 1098.62, 1265.47, 1448.32, 1648.27,
    1876.08, 2142.06, 2465.37, 2866.31, 3401.59, 4155.73, 5400.08, 8037.54, 223212.26,
)
# fmt: on
_GRADES: Final = ((80, "A"), (70, "B"), (55, "C"), (40, "D"), (25, "E"), (10, "F"))
_LAST_GRADE: Final = "G"
_HEAVIEST: Final = 10

_SUPPLIED: Final = frozenset({"html", "head", "body"})
# A browser that runs scripts makes no elements of these elements' content.
_INERT: Final = frozenset({"template", "noscript"})
_SOURCES: Final = {"script": "src", "iframe": "src", "embed": "src", "object": "data"}
_FETCHED_LINKS: Final = frozenset({"stylesheet", "icon", "preload", "modulepreload", "manifest"})


class EcoIndex(msgspec.Struct, frozen=True):
    """How light a page is, out of 100, among the pages of the web."""

    score: float

    @property
    def grade(self) -> str:
        """Return the letter, from A for the lightest pages to G."""
        rounded = round(self.score)
        return next((grade for above, grade in _GRADES if rounded > above), _LAST_GRADE)

    @property
    def gco2e(self) -> float:
        """Return the greenhouse gases of one view, in grams of CO2 equivalent."""
        return 2 + 2 * (50 - self.score) / 100

    @property
    def water_cl(self) -> float:
        """Return the water of one view, in centilitres."""
        return 3 + 3 * (50 - self.score) / 100


class PageWeight(msgspec.Struct, frozen=True):
    """What one page makes a browser hold and fetch.

    Attributes:
        address: The page's, without its scheme.
        elements: Elements of its tree, those inside a drawing left out.
        requests: The page itself and the resources that it names, each once.
        transferred_bytes: What travels for them, as far as this machine knows.
        unweighed: Addresses on its own host whose size is not known.
        third_parties: Addresses on other hosts; their size is never known.
    """

    address: str
    elements: int
    requests: int
    transferred_bytes: int
    unweighed: tuple[str, ...]
    third_parties: tuple[str, ...]

    @property
    def eco_index(self) -> EcoIndex:
        """Return its EcoIndex; at best so good when something is not weighed."""
        return eco_index(self.elements, self.requests, self.transferred_bytes)


class ThirdParty(msgspec.Struct, frozen=True):
    """Another host that pages fetch from."""

    host: str
    pages: int
    addresses: tuple[str, ...]


class SiteWeight(msgspec.Struct, frozen=True):
    """What the pages of a site weigh.

    Attributes:
        eco_index: The median of the pages' own.
        heaviest: The pages that transfer most, the heaviest first.
        third_parties: The most used first.
    """

    pages: int
    median_elements: int
    median_requests: int
    median_bytes: int
    eco_index: EcoIndex
    heaviest: tuple[PageWeight, ...]
    third_parties: tuple[ThirdParty, ...]


def eco_index(elements: int, requests: int, transferred_bytes: int) -> EcoIndex:
    """Place a page among those of the web by its elements, requests and kilobytes.

    Source: the formula of GreenIT.fr, https://github.com/cnumr/ecoindex_node.
    """
    weighted = (
        3 * _rank(_ELEMENT_QUANTILES, elements)
        + 2 * _rank(_REQUEST_QUANTILES, requests)
        + _rank(_KILOBYTE_QUANTILES, transferred_bytes / 1000)
    )
    return EcoIndex(100 - 5 * weighted / 6)


def _rank(quantiles: Sequence[float], value: float) -> float:
    """Return how many quantiles a value is above, the last one in part."""
    above = bisect_right(quantiles, value)
    if above == len(quantiles):
        return above - 1
    lower, upper = quantiles[above - 1], quantiles[above]
    return above - 1 + (value - lower) / (upper - lower)


def page_weight(
    address: str, body: bytes, sent_bytes: int, stored_size: Callable[[str], int | None]
) -> PageWeight:
    """Weigh one page.

    Args:
        address: Its host and path, and its query if any.
        body: Its HTML, in full.
        sent_bytes: What travels for the page itself, compressed.
        stored_size: Tells what travels for a path, and query if any, of the same host.
    """
    page = _PageReader(f"https://{address}")
    # A browser skips what starts so up to the next ">"; the parser fails at some of it.
    page.feed(body.decode(errors="replace").replace("<![", "<!"))
    page.close()
    host = urlsplit(page.address).hostname
    total, unweighed, third_parties = sent_bytes, [], []
    for resource in page.resources:
        parts = urlsplit(resource)
        if parts.hostname != host:
            third_parties.append(resource)
            continue
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        size = 0 if resource in page.unplayed else stored_size(target)
        if size is None:
            unweighed.append(target)
        else:
            total += size
    return PageWeight(
        address,
        page.elements + len(_SUPPLIED - page.written),
        1 + len(page.resources),
        total,
        tuple(unweighed),
        tuple(third_parties),
    )


def site_weight(pages: Sequence[PageWeight]) -> SiteWeight:
    """Sum up the pages of a site, of which there is at least one."""
    return SiteWeight(
        len(pages),
        round(median(page.elements for page in pages)),
        round(median(page.requests for page in pages)),
        round(median(page.transferred_bytes for page in pages)),
        EcoIndex(median(page.eco_index.score for page in pages)),
        tuple(sorted(pages, key=lambda page: (-page.transferred_bytes, page.address))[:_HEAVIEST]),
        _third_parties(pages),
    )


def _third_parties(pages: Sequence[PageWeight]) -> tuple[ThirdParty, ...]:
    users: Counter[str] = Counter()
    addresses: dict[str, set[str]] = {}
    for page in pages:
        by_host = {(urlsplit(one).netloc, one) for one in page.third_parties}
        users.update({host for host, _ in by_host})
        for host, one in by_host:
            addresses.setdefault(host, set()).add(one)
    return tuple(
        ThirdParty(host, users[host], tuple(sorted(addresses[host])))
        for host in sorted(users, key=lambda host: (-users[host], host))
    )


class _PageReader(HTMLParser):
    """Counts elements and collects what a browser fetches for them."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address: Final = address
        self.elements = 0
        self.written: set[str] = set()
        self.resources: dict[str, None] = {}
        self.unplayed: set[str] = set()
        self._base = address
        self._skipped: list[str] = []
        self._player: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.append(tag)
            return
        self.elements += 1
        if tag in _SUPPLIED:
            self.written.add(tag)
        if tag == "svg" or tag in _INERT:
            self._skipped.append(tag)
        self._fetch(tag, {name: value or "" for name, value in attrs})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag == "svg" or self._skipped[-1:] == [tag]:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and tag == self._skipped[-1]:
            self._skipped.pop()
        elif tag in {"video", "audio"}:
            self._player = None

    def _fetch(self, tag: str, attributes: dict[str, str]) -> None:
        match tag:
            case "base":
                self._base = _absolute(self.address, attributes.get("href", "")) or self._base
            case "img":
                self._add(attributes.get("src") or _first_candidate(attributes.get("srcset", "")))
            case "input" if attributes.get("type", "").lower() == "image":
                self._add(attributes.get("src", ""))
            case "link" if _FETCHED_LINKS & set(attributes.get("rel", "").lower().split()):
                self._add(attributes.get("href", ""))
            case "video" | "audio":
                self._add(attributes.get("poster", ""))
                self._player = attributes
                self._play(attributes.get("src", ""))
            case "source":
                self._play(attributes.get("src", ""))
            case _ if tag in _SOURCES:
                self._add(attributes.get(_SOURCES[tag], ""))

    def _play(self, reference: str) -> None:
        """Take the first source of a player, unless it waits for its reader to press play."""
        if self._player is None or not reference:
            return
        player, self._player = self._player, None
        if "autoplay" in player or player.get("preload") != "none":
            resource = self._add(reference)
            if resource and "autoplay" not in player and player.get("preload") != "auto":
                self.unplayed.add(resource)

    def _add(self, reference: str) -> str:
        """Note a resource that is fetched; return its address, empty for one inside the page."""
        resource = _absolute(self._base, reference.strip())
        if not resource or resource == self.address:
            return ""
        self.resources[resource] = None
        return resource


def _absolute(base: str, reference: str) -> str:
    """Return the address that a reference fetches; empty when it fetches nothing."""
    try:
        address = urldefrag(urljoin(base, reference)).url
        fetched = urlsplit(address).scheme in {"http", "https"} and urlsplit(address).hostname
    except ValueError:
        return ""
    return address if reference and fetched else ""


def _first_candidate(srcset: str) -> str:
    candidates: Iterator[str] = iter(srcset.split())
    return next(candidates, "").rstrip(",")
