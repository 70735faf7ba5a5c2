"""What nginx's configuration needs for the page store and for the limits of visitors; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from beffroi.delivery.header_sets import NumberedSet, configured_headers
from beffroi.delivery.page_keys import (
    CANONICAL_PATH,
    CANONICAL_QUERY,
    ONLY_TRACKING,
    cookie_pattern,
)
from beffroi.territory.model import Application, VisitorLimits

_BURST_S: Final = 10


class LimitZone(msgspec.Struct, frozen=True):
    """One rate that nginx holds visitors to.

    Attributes:
        key: What is counted, in nginx's variables.
        default: Whether it holds for the hosts that no list names.
        hosts: Hosts that it holds for although it is no default.
        others: Hosts that it does not hold for although it is the default.
    """

    name: str
    key: str
    rate: int
    default: bool
    hosts: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def burst(self) -> int:
        """Return how many requests may come at once above the rate."""
        return self.rate * _BURST_S


def page_store_values(
    applications: Iterable[Application],
    header_sets: Sequence[NumberedSet],
    plain_hosts: Sequence[str],
) -> Mapping[str, Any]:
    """Return what the template of the page store is filled in with.

    Args:
        applications: All of the territory.
        header_sets: Those that answers are kept with, in any order.
        plain_hosts: Hosts without an application, whose pages are never stored.
    """
    declared = tuple(applications)
    patterns = {cookie_pattern(()): 0}
    rules: dict[str, int] = {}
    for one in declared:
        rule = patterns.setdefault(cookie_pattern(one.pages.ignored_cookies), len(patterns))
        if rule:
            rules.update(dict.fromkeys(one.hosts, rule))
    without_room = [host for one in declared if not one.pages.mib for host in one.hosts]
    ordered = sorted(header_sets, key=lambda one: one.number)
    return {
        "cookie_rules": dict(sorted(rules.items())),
        "cookie_patterns": list(patterns),
        "canonical_path": CANONICAL_PATH,
        "canonical_query": CANONICAL_QUERY,
        "only_tracking": ONLY_TRACKING,
        "plain_hosts": sorted({*plain_hosts, *without_room}),
        "sets": ordered,
        "statuses": sorted({one.header_set.status for one in ordered}),
        "headers": configured_headers(ordered),
    }


def limit_zones(applications: Iterable[Application]) -> tuple[LimitZone, ...]:
    """Return the zones for every rate that the territory names, the usual ones first."""
    by_client: dict[int, list[str]] = defaultdict(list)
    by_site: dict[int, list[str]] = defaultdict(list)
    for one in applications:
        by_client[one.visitors.requests_per_s].extend(one.hosts)
        by_site[one.visitors.site_requests_per_s].extend(one.hosts)
    usual = VisitorLimits()
    return (
        *_zones("from_client", "$host $binary_remote_addr", usual.requests_per_s, by_client),
        *_zones("of_site", "$host", usual.site_requests_per_s, by_site),
    )


def hosts_of(zones: Iterable[LimitZone]) -> Iterable[str]:
    """Return the hosts that the maps of the zones name."""
    return (host for zone in zones for host in (*zone.hosts, *zone.others))


def _zones(
    name: str, key: str, usual: int, hosts_by_rate: Mapping[int, Sequence[str]]
) -> Iterable[LimitZone]:
    others = sorted(
        host for rate, hosts in hosts_by_rate.items() if rate != usual for host in hosts
    )
    # nginx refuses a reload that changes what a zone of the same name counts.
    of_others = "_others" if others else ""
    yield LimitZone(
        f"{name}_{usual}{of_others}", key, usual, default=True, hosts=(), others=tuple(others)
    )
    for rate in sorted(hosts_by_rate.keys() - {usual}):
        hosts = tuple(sorted(hosts_by_rate[rate]))
        yield LimitZone(f"{name}_{rate}", key, rate, default=False, hosts=hosts, others=())
