"""How the filler learns of the sites: from one file, read again whenever it changed."""

import os
from pathlib import Path

import msgspec
import pytest

from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.sites import Sites, stored_sites
from beffroi.delivery.sites_file import SitesFile
from beffroi.kernel.places import Places
from tests.support.clocks import ManualClock
from tests.unit.delivery.territories import application

NONE_KNOWN: frozenset[str] = frozenset()


def told(*names: str, sets: frozenset[str] = NONE_KNOWN) -> Sites:
    """Sites of these names, each with two hosts and a token of its own."""
    declared = [application(name, f"{name}.fr", f"www.{name}.fr") for name in names]
    return Sites(stored_sites(declared, lambda name: f"digest of {name}"), sets)


@pytest.fixture
def file(tmp_path: Path) -> SitesFile:
    return SitesFile(Places.of(tmp_path / "data"))


@pytest.fixture
def sites(file: SitesFile, clock: ManualClock) -> SiteList:
    return SiteList(file.path, clock)


def test_what_was_told_is_read_back(file: SitesFile) -> None:
    assert file.told() is None

    file.tell(told("bus", "site", sets=frozenset({"00a"})))

    assert file.told() == told("bus", "site", sets=frozenset({"00a"}))
    assert [path.name for path in file.path.parent.iterdir()] == ["sites.json"]


def test_a_file_that_is_broken_was_told_nothing(file: SitesFile) -> None:
    file.tell(told("bus"))
    file.path.write_bytes(b'{"sites": [')

    assert file.told() is None


def test_digests_of_tokens_are_not_for_everybody(file: SitesFile) -> None:
    file.tell(told("bus"))

    assert file.path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the filler a group of its own")
def test_the_filler_may_read_it_by_its_group(file: SitesFile) -> None:
    file.tell(told("bus"))

    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (0, 210_002)


def test_before_anything_is_told_no_site_is_known(sites: SiteList) -> None:
    assert sites.of_host("bus.fr") is None
    assert sites.of_application("bus") is None
    assert sites.of_token("digest of bus") is None
    assert sites.every() == ()
    assert not sites.knows_header_set("00a")


def test_a_site_is_found_by_each_host_its_name_and_its_token(
    file: SitesFile, sites: SiteList
) -> None:
    file.tell(told("bus", "site"))

    bus = sites.of_application("bus")

    assert bus is not None
    assert bus.application == "bus"
    assert sites.of_host("bus.fr") == sites.of_host("www.bus.fr") == bus
    assert sites.of_token("digest of bus") == bus
    assert sites.of_host("other.fr") is None
    assert sites.of_token("") is None
    assert [one.application for one in sites.every()] == ["bus", "site"]


def test_a_file_that_changed_is_read_at_the_next_question(file: SitesFile, sites: SiteList) -> None:
    file.tell(told("bus"))
    assert sites.of_host("bus.fr") is not None

    file.tell(told("site"))

    assert sites.of_host("bus.fr") is None
    assert sites.of_host("site.fr") is not None


def test_what_was_known_stays_known_while_the_file_is_away(
    file: SitesFile, sites: SiteList
) -> None:
    file.tell(told("bus"))
    known = sites.every()

    file.path.unlink()

    assert sites.every() == known != ()


def test_a_header_set_counts_as_known_a_second_after_it_was_told(
    file: SitesFile, sites: SiteList, clock: ManualClock
) -> None:
    file.tell(told("bus", sets=frozenset({"00a"})))
    assert not sites.knows_header_set("00a")
    clock.move(0.9)
    assert not sites.knows_header_set("00a")
    clock.move(0.1)
    assert sites.knows_header_set("00a")
    assert not sites.knows_header_set("00b")


def test_a_header_set_that_is_told_again_stays_known_and_one_that_left_must_wait_anew(
    file: SitesFile, sites: SiteList, clock: ManualClock
) -> None:
    file.tell(told("bus", sets=frozenset({"00a"})))
    sites.every()
    clock.move(1)
    file.tell(told("bus", sets=frozenset({"00a", "00b"})))
    assert sites.knows_header_set("00a")
    assert not sites.knows_header_set("00b")

    file.tell(told("bus"))
    assert not sites.knows_header_set("00a")
    file.tell(told("bus", sets=frozenset({"00a"})))
    assert not sites.knows_header_set("00a")
    clock.move(1)
    assert sites.knows_header_set("00a")


def test_rules_that_change_are_those_of_the_next_request(file: SitesFile, sites: SiteList) -> None:
    first = told("bus")
    file.tell(first)
    before = sites.of_host("bus.fr")
    rules = msgspec.structs.replace(first.sites[0].rules, life_s=60)
    file.tell(Sites((msgspec.structs.replace(first.sites[0], rules=rules),), NONE_KNOWN))

    after = sites.of_host("bus.fr")

    assert before is not None
    assert after is not None
    assert (before.rules.life_s, after.rules.life_s) == (0, 60)
