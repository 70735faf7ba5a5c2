"""Who visits, what counts as a page, and what counts as a use."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.visit_log import Served, Visit
from beffroi.delivery.visits import (
    VisitCounts,
    VisitorKind,
    counted,
    is_page,
    last_uses,
    visitor_kind,
)
from tests.unit.delivery.visit_lines import FIREFOX, GOOGLEBOT, NOON, visit

HOSTS = {"site.ville.localhost": "site", "www.ville.localhost": "site", "bus.localhost": "bus"}
PERSONS = [
    FIREFOX,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (Linux; Android 14; CUBOT X70) AppleWebKit/537.36 Chrome/120.0 Mobile Safari",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/4.2) Presto/2.12 Version/12.16",
    "Lynx/2.9.0 libwww-FM/2.14",
]
CRAWLERS = [
    GOOGLEBOT,
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
    "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36",
    "Mozilla/5.0 zgrab/0.x",
]
PROBES = [
    "",
    "-",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "StatusCake_Pagespeed_Indev",
    "kube-probe/1.29",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "check_http/v2.3 (monitoring-plugins 2.3)",
]


@pytest.mark.parametrize("user_agent", PERSONS)
def test_a_browser_is_a_person(user_agent: str) -> None:
    assert visitor_kind(user_agent) is VisitorKind.PERSON


@pytest.mark.parametrize("user_agent", CRAWLERS)
def test_a_crawler_is_known_by_its_name(user_agent: str) -> None:
    assert visitor_kind(user_agent) is VisitorKind.CRAWLER


@pytest.mark.parametrize("user_agent", PROBES)
def test_a_probe_is_known_by_its_name_or_by_having_none(user_agent: str) -> None:
    assert visitor_kind(user_agent) is VisitorKind.PROBE


@pytest.mark.parametrize(
    ("seen", "page"),
    [
        (visit(path="/"), True),
        (visit(path="/actualites/fete"), True),
        (visit(path="/index.php", status=304), True),
        (visit(path="/logo.svg"), False),
        (visit(path="/", status=404), False),
        (visit(path="/", method="HEAD"), False),
        (visit(path="/api/bus", content_type="application/json"), False),
        (visit(path="/v1.2", content_type="text/html; charset=utf-8"), True),
    ],
)
def test_a_page_is_html_that_was_given_or_confirmed(seen: Visit, *, page: bool) -> None:
    assert is_page(seen) is page


def test_counts_tell_who_answered() -> None:
    visits = [
        visit(),
        visit(served=Served.FILLER, cache="beffroi; fwd=miss; stored"),
        visit(served=Served.FILLER, cache="beffroi; fwd=miss; collapsed"),
        visit(served=Served.FILLER, cache="beffroi; hit; ttl=-3"),
        visit(served=Served.APPLICATION, status=500),
        visit(served=Served.APPLICATION),
        visit(served=Served.RENDERING),
        visit(host="console.ville.localhost"),
    ]
    [(slot, counts)] = counted(visits, HOSTS).items()
    assert (slot.application, slot.start) == ("site", NOON)
    assert counts == VisitCounts(
        requests=6,
        pages=5,
        stored=2,
        stored_pages=2,
        fills=1,
        passes=2,
        passed_pages=1,
        renderings=1,
        bytes=600,
        persons=6,
        errors=1,
    )


def test_a_slot_is_five_minutes() -> None:
    visits = [visit(at=NOON + timedelta(seconds=seconds)) for seconds in (0, 299, 300)]

    found = counted(visits, HOSTS)

    assert {slot.start: counts.requests for slot, counts in found.items()} == {
        NOON: 2,
        NOON + timedelta(minutes=5): 1,
    }


VISITS = st.builds(
    visit,
    at=st.integers(0, 3000).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    host=st.sampled_from([*HOSTS, "absent.localhost"]),
    path=st.sampled_from(["/", "/a.css", "/page"]),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    status=st.sampled_from([200, 304, 404, 500]),
    served=st.sampled_from(Served),
    cache=st.sampled_from(["", "beffroi; hit", "beffroi; fwd=miss", "x; fwd=miss; collapsed"]),
    user_agent=st.sampled_from([FIREFOX, GOOGLEBOT, "curl/8.5.0"]),
    size_bytes=st.integers(0, 10**9),
)


@given(st.lists(VISITS), st.lists(VISITS))
def test_the_counts_of_parts_add_up_to_those_of_the_whole(
    first: list[Visit], second: list[Visit]
) -> None:
    parts = [counted(first, HOSTS), counted(second, HOSTS)]
    summed = {
        slot: sum((part.get(slot, VisitCounts()) for part in parts), VisitCounts())
        for slot in {*parts[0], *parts[1]}
    }
    assert summed == counted([*first, *second], HOSTS)


@given(st.lists(VISITS))
def test_each_request_is_of_one_kind_and_no_page_is_counted_twice(visits: list[Visit]) -> None:
    for counts in counted(visits, HOSTS).values():
        assert counts.persons + counts.crawlers + counts.probes == counts.requests
        assert counts.stored + counts.fills + counts.passes <= counts.requests
        assert counts.stored_pages + counts.passed_pages <= counts.pages <= counts.requests
        assert min(msgspec.structs.astuple(counts)) >= 0


@pytest.mark.parametrize(
    "seen",
    [
        visit(served=Served.FILLER),
        visit(served=Served.APPLICATION, status=500),
        visit(served=Served.APPLICATION, signed_in=True, user_agent="python-requests/2.32"),
        visit(served=Served.FILLER, method="POST", user_agent="curl/8.5.0"),
    ],
)
def test_who_reaches_the_application_uses_it(seen: Visit) -> None:
    assert last_uses([seen], HOSTS) == {"site": NOON}


@pytest.mark.parametrize(
    "seen",
    [
        visit(),
        visit(served=Served.OWN),
        visit(served=Served.FILLER, status=404),
        visit(served=Served.FILLER, user_agent=GOOGLEBOT),
        visit(served=Served.FILLER, user_agent=GOOGLEBOT, method="POST"),
        visit(served=Served.FILLER, user_agent="UptimeRobot/2.0"),
        visit(served=Served.FILLER, host="absent.localhost"),
    ],
)
def test_a_stored_page_a_crawler_a_probe_and_a_scan_are_no_use(seen: Visit) -> None:
    assert last_uses([seen], HOSTS) == {}


def test_the_last_use_is_the_latest_whatever_the_order() -> None:
    later = NOON + timedelta(seconds=9)
    seen = [visit(served=Served.FILLER, at=later), visit(served=Served.FILLER, at=NOON)]
    assert last_uses(seen, HOSTS) == {"site": later}
