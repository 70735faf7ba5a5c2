"""Which hosts nginx's maps name: those that differ from the usual, and no others."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.configuration import configuration_text
from beffroi.delivery.header_sets import HeaderSet, NumberedSet
from beffroi.delivery.model import wanted_state
from beffroi.delivery.page_configuration import LimitZone, hosts_of, limit_zones, page_store_values
from beffroi.territory.model import Application, PageRules, VisitorLimits
from tests.unit.delivery.territories import LOCAL, application, territory
from tests.unit.delivery.test_configuration import SERVER

USUAL = VisitorLimits()
RATES = st.sampled_from((1, 50, USUAL.requests_per_s, USUAL.site_requests_per_s))
LIMITS = st.builds(VisitorLimits, requests_per_s=RATES, site_requests_per_s=RATES)
COOKIES = st.lists(st.sampled_from(("lang", "theme", "_x*")), max_size=3, unique=True).map(tuple)


def site(number: int, *, pages: PageRules | None = None) -> Application:
    made = application(f"site-{number}", f"site-{number}.ville.localhost")
    return msgspec.structs.replace(made, pages=pages or PageRules())


def limited(number: int, limits: VisitorLimits) -> Application:
    return msgspec.structs.replace(site(number), visitors=limits)


def test_sites_with_the_usual_rates_are_named_by_no_zone() -> None:
    zones = limit_zones([site(number) for number in range(50)])

    assert list(hosts_of(zones)) == []
    assert [(zone.name, zone.rate, zone.default) for zone in zones] == [
        ("from_client_200", 200, True),
        ("of_site_2000", 2000, True),
    ]


def test_one_more_site_with_the_usual_rates_changes_no_configuration() -> None:
    texts = {
        configuration_text(SERVER, LOCAL, wanted_state(territory(*sites), LOCAL))
        for sites in ([site(1)], [site(1), site(2)])
    }

    assert len(texts) == 1


def test_a_site_with_a_rate_of_its_own_leaves_the_usual_zone_for_it() -> None:
    limits = VisitorLimits(requests_per_s=20)
    zones = {zone.name: zone for zone in limit_zones([site(1), limited(2, limits)])}

    assert zones.keys() == {"from_client_200_others", "from_client_20", "of_site_2000"}
    assert (
        zones["from_client_200_others"].others
        == zones["from_client_20"].hosts
        == ("site-2.ville.localhost",)
    )
    assert zones["of_site_2000"].others == ()


def test_ten_seconds_worth_of_requests_may_come_at_once() -> None:
    assert [zone.burst for zone in limit_zones([])] == [2000, 20_000]


def is_held_to(zone: LimitZone, host: str) -> bool:
    """Tell what nginx's map of a zone makes of a host."""
    return host in zone.hosts or (zone.default and host not in zone.others)


@given(st.lists(LIMITS, max_size=8))
def test_each_host_is_held_to_exactly_its_own_two_rates(limits: list[VisitorLimits]) -> None:
    sites = [limited(number, one) for number, one in enumerate(limits)]
    zones = limit_zones(sites)
    assert len({zone.name for zone in zones}) == len(zones)
    for one in sites:
        held = [zone for zone in zones if is_held_to(zone, one.canonical_host)]
        assert [(zone.key, zone.rate) for zone in held] == [
            ("$host $binary_remote_addr", one.visitors.requests_per_s),
            ("$host", one.visitors.site_requests_per_s),
        ]


def test_sites_that_ignore_the_same_cookies_share_one_rule() -> None:
    ignoring = PageRules(ignored_cookies=("lang",))
    values = page_store_values([site(1, pages=ignoring), site(2, pages=ignoring), site(3)], (), ())

    assert len(values["cookie_patterns"]) == 2
    assert values["cookie_rules"] == {"site-1.ville.localhost": 1, "site-2.ville.localhost": 1}


@given(st.lists(COOKIES, max_size=8))
def test_a_host_is_named_by_a_cookie_rule_only_when_it_ignores_cookies(
    ignored: list[tuple[str, ...]],
) -> None:
    sites = [
        site(number, pages=PageRules(ignored_cookies=one)) for number, one in enumerate(ignored)
    ]
    values = page_store_values(sites, (), ())
    rules, patterns = values["cookie_rules"], values["cookie_patterns"]
    assert rules.keys() == {one.canonical_host for one in sites if one.pages.ignored_cookies}
    assert len(patterns) == 1 + len({frozenset(one) for one in ignored if one})
    assert 0 not in rules.values()
    assert all(rule < len(patterns) for rule in rules.values())


def test_hosts_without_room_or_without_an_application_are_never_stored() -> None:
    none = site(1, pages=PageRules(mib=0))

    values = page_store_values([none, site(2)], (), ["console.ville.localhost"])

    assert values["plain_hosts"] == ["console.ville.localhost", "site-1.ville.localhost"]


def test_header_sets_are_told_in_the_order_of_their_numbers() -> None:
    sets = [
        NumberedSet(number, HeaderSet(str(number), status, "text/html", (), ""))
        for number, status in ((4000, 404), (3, 200), (20, 404))
    ]
    values = page_store_values([], sets, ())

    assert [one.name for one in values["sets"]] == ["003", "014", "fa0"]
    assert values["statuses"] == [200, 404]
    assert values == page_store_values([], sets[::-1], ())
