"""What the filler is told of each application."""

from hashlib import sha256

import msgspec

from beffroi.delivery.sites import Sites, purge_token, stored_sites
from beffroi.kernel.secrets import SealingKey
from beffroi.territory.model import ApplicationKind, PageRules, VisitorLimits
from tests.unit.delivery.territories import application


def test_a_site_is_told_with_all_its_hosts_and_its_rules() -> None:
    rules = PageRules(queries=("page",), mib=0)
    declared = msgspec.structs.replace(
        application("bus", "bus.fr", "www.bus.fr"),
        kind=ApplicationKind.COMMAND,
        pages=rules,
        visitors=VisitorLimits(crawler_misses_per_minute=7),
    )

    [told] = stored_sites([declared], str.upper)

    assert (told.application, told.organisation) == ("bus", "ville")
    assert told.hosts == ("bus.fr", "www.bus.fr")
    assert not told.static
    assert told.rules == rules
    assert told.crawler_misses_per_minute == 7
    assert told.purge_token_digest == "BUS"


def test_files_are_told_to_change_by_deployments_alone() -> None:
    [told] = stored_sites([application("site", "site.fr")], str)

    assert told.static


def test_sites_are_told_in_one_order_and_survive_their_file() -> None:
    declared = [application(name, f"{name}.fr") for name in ("b", "a", "c")]
    told = Sites(stored_sites(declared, str), frozenset({"00a", "fff"}))

    assert [one.application for one in told.sites] == ["a", "b", "c"]
    assert told.sites == stored_sites(declared[::-1], str)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Sites) == told


def test_each_application_has_a_token_of_its_own_that_stays() -> None:
    key, other = SealingKey(b"k" * 32), SealingKey(b"o" * 32)
    tokens = [purge_token(key, name).reveal() for name in ("bus", "site", "bus")]

    assert tokens[0] == tokens[2] != tokens[1]
    assert purge_token(other, "bus").reveal() != tokens[0]
    assert len(sha256(tokens[0].encode()).hexdigest()) == len(tokens[0]) == 64
