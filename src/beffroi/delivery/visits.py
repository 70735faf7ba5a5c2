"""What visits are counted as; pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from beffroi.delivery.visit_log import Served, Visit

SLOT_S: Final = 300
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Uptime and health probes by the names that they give themselves: the documentation of
# UptimeRobot, Pingdom, StatusCake, Better Stack, Site24x7, Uptime Kuma, Datadog, New Relic,
# Prometheus' blackbox exporter, Kubernetes, AWS, Google, Nagios (check_http) and Zabbix. Programs'
# libraries and commands are next to them: nobody reads what these fetch.
_PROBES: Final = re.compile(
    r"uptime|pingdom|statuscake|better stack|betteruptime|site24x7|updown\.io|hetrixtools|freshping"
    r"|nodeping|checkly|monit/|monitis|montastic|icinga|nagios|check_http|zabbix|kube-probe"
    r"|elb-healthchecker|amazon-route53-health|googlehc|googlestackdrivermonitoring|datadog"
    r"|newrelicpinger|catchpoint|blackbox|prometheus|health-?check|cloud-healthcheck|gatus"
    r"|^(curl|wget|libwww-perl|python|go-http-client|java/|okhttp|apache-httpclient|node|axios"
    r"|undici|got |guzzlehttp|ruby|php/|httpie|aiohttp|scrapy|httpx|postmanruntime|powershell)",
    re.IGNORECASE,
)
# Crawlers nearly all name themselves by one of the general words; those after them do not. Source:
# the list github.com/monperrus/crawler-user-agents and github.com/ai-robots-txt/ai.robots.txt.
# Cubot makes telephones.
_CRAWLERS: Final = re.compile(
    r"(?<!cu)bots?\b|bot_|robot|crawl|spider|slurp|archiver|scrape|indexer|fetcher|scanner"
    r"|facebookexternalhit|facebookcatalog|meta-external|ia_archiver|mediapartners-google"
    r"|adsbot|google-(?:read-aloud|extended|inspectiontool|site-verification)|googleother"
    r"|apis-google|feedfetcher|bingpreview|yandex|baiduspider|bytespider|duckassist|applebot"
    r"|amazonbot|gptbot|oai-searchbot|claudebot|perplexity|ccbot|-user/"
    r"|cohere-ai|diffbot|omgili|imagesift|timpibot|petalbot|semrush|ahrefs|mj12|dotbot|dataforseo"
    r"|screaming frog|sitebulb|lighthouse|pagespeed|gtmetrix|headlesschrome|phantomjs"
    r"|whatsapp/|telegrambot|skypeuripreview|embedly|pinterest|preview|validator|nutch|heritrix"
    r"|masscan|zgrab|nmap|nikto|sqlmap|nuclei|censys|shodan|expanse|internet-measurement",
    re.IGNORECASE,
)
_PAGE_SUFFIXES: Final = frozenset({"html", "htm", "xhtml", "php", "asp", "aspx", "jsp"})
_PAGE_TYPES: Final = ("text/html", "application/xhtml+xml")
# RFC 9211 section 2: "fwd" tells that the answer was asked further on, "collapsed" that another
# request under way was waited for.
_FORWARDED: Final = re.compile(r"\bfwd=")
_COLLAPSED: Final = re.compile(r"\bcollapsed\b(?!=\?0)")


class VisitorKind(StrEnum):
    """What sends a request."""

    PERSON = "person"
    CRAWLER = "crawler"
    PROBE = "probe"


class VisitCounts(msgspec.Struct, frozen=True, array_like=True):
    """What an application's visitors asked in one slot of five minutes.

    Attributes:
        requests: All of them; each is of a person, a crawler or a probe.
        pages: Pages of HTML given, those confirmed as unchanged included.
        stored: Requests answered by the page store, without the origin.
        stored_pages: Pages among these.
        fills: Requests that the filler asked the origin for.
        passes: Requests that went to the origin past the filler.
        passed_pages: Pages among these.
        renderings: Answers that the filler asked of the origin, for a visitor or ahead of one.
        errors: Answers of status 500 and above.
    """

    requests: int = 0
    pages: int = 0
    stored: int = 0
    stored_pages: int = 0
    fills: int = 0
    passes: int = 0
    passed_pages: int = 0
    renderings: int = 0
    bytes: int = 0
    persons: int = 0
    crawlers: int = 0
    probes: int = 0
    errors: int = 0

    def __add__(self, other: "VisitCounts") -> "VisitCounts":
        return VisitCounts(*map(sum, zip(_values(self), _values(other), strict=True)))


class Slot(msgspec.Struct, frozen=True, order=True):
    """Five minutes of an application."""

    application: str
    start: datetime


@lru_cache(maxsize=8192)
def visitor_kind(user_agent: str) -> VisitorKind:
    """Tell what sends a request by how it names itself; one without a name is a probe."""
    if not user_agent.strip("- ") or _PROBES.search(user_agent):
        return VisitorKind.PROBE
    return VisitorKind.CRAWLER if _CRAWLERS.search(user_agent) else VisitorKind.PERSON


def is_page(visit: Visit) -> bool:
    """Tell whether a visit got a page to read.

    A confirmation (304) has no content type: then the path's suffix tells.
    """
    if visit.method != "GET" or visit.status not in {200, 304}:
        return False
    if visit.content_type:
        return visit.content_type.lower().startswith(_PAGE_TYPES)
    _, dot, suffix = visit.path.rpartition("/")[2].rpartition(".")
    return not dot or suffix.lower() in _PAGE_SUFFIXES


def counted(visits: Iterable[Visit], hosts: Mapping[str, str]) -> Mapping[Slot, VisitCounts]:
    """Count visits by application and slot; ``hosts`` tells the application of each host name.

    Visits of other hosts are left out.
    """
    sums: dict[tuple[str, int], list[int]] = {}
    for visit in visits:
        application = hosts.get(visit.host)
        if application is None:
            continue
        number = int(visit.at.timestamp()) // SLOT_S
        total = sums.setdefault((application, number), [0] * len(_FIELDS))
        _add(total, visit)
    return {
        Slot(application, datetime.fromtimestamp(number * SLOT_S, UTC)): VisitCounts(*total)
        for (application, number), total in sums.items()
    }


def last_uses(visits: Iterable[Visit], hosts: Mapping[str, str]) -> Mapping[str, datetime]:
    """Return when each application was last used; crawlers and probes never use one.

    A use reached the origin or the filler. A visitor of a stored page asks nothing of the
    application; an answer of status 4xx is none either: scanners under a browser's name ask for
    what is not there.
    """
    last: dict[str, datetime] = {}
    for visit in visits:
        application = hosts.get(visit.host)
        if application is not None and _is_use(visit):
            known = last.get(application)
            last[application] = visit.at if known is None else max(known, visit.at)
    return last


def _is_use(visit: Visit) -> bool:
    if visit.served not in {Served.FILLER, Served.APPLICATION} or 400 <= visit.status < 500:
        return False
    kind = visitor_kind(visit.user_agent)
    # A program that writes or proves who it is does its owner's work: a library's name is no probe.
    at_work = visit.signed_in or visit.method not in SAFE_METHODS
    return kind is VisitorKind.PERSON or (at_work and kind is not VisitorKind.CRAWLER)


def _add(total: list[int], visit: Visit) -> None:
    if visit.served is Served.RENDERING:
        total[_RENDERINGS] += is_page(visit)
        return
    kind = visitor_kind(visit.user_agent)
    page = is_page(visit)
    total[_REQUESTS] += 1
    total[_KINDS[kind]] += 1
    total[_BYTES] += visit.bytes
    total[_PAGES] += page
    total[_ERRORS] += visit.status >= 500
    if visit.served is Served.APPLICATION:
        total[_PASSES] += 1
        total[_PASSED_PAGES] += page
    elif visit.served is Served.FILLER and _FORWARDED.search(visit.cache):
        total[_FILLS] += not _COLLAPSED.search(visit.cache)
    elif visit.served in {Served.STORED, Served.FILLER}:
        total[_STORED] += 1
        total[_STORED_PAGES] += page


def _values(counts: VisitCounts) -> tuple[int, ...]:
    return msgspec.structs.astuple(counts)


_FIELDS: Final = VisitCounts.__struct_fields__
_REQUESTS: Final = _FIELDS.index("requests")
_PAGES: Final = _FIELDS.index("pages")
_STORED: Final = _FIELDS.index("stored")
_STORED_PAGES: Final = _FIELDS.index("stored_pages")
_FILLS: Final = _FIELDS.index("fills")
_PASSES: Final = _FIELDS.index("passes")
_PASSED_PAGES: Final = _FIELDS.index("passed_pages")
_RENDERINGS: Final = _FIELDS.index("renderings")
_BYTES: Final = _FIELDS.index("bytes")
_ERRORS: Final = _FIELDS.index("errors")
_KINDS: Final = {
    VisitorKind.PERSON: _FIELDS.index("persons"),
    VisitorKind.CRAWLER: _FIELDS.index("crawlers"),
    VisitorKind.PROBE: _FIELDS.index("probes"),
}
