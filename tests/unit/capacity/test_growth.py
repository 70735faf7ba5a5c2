import pytest

from beffroi.capacity.growth import (
    EverythingGrows,
    HostDies,
    OrganisationJoins,
    SiteCloses,
    changed,
)
from beffroi.capacity.model import SiteLoss
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import WHOLE, old_hosts, town, workload

TOWN = town(
    [
        workload("a", host="lomme-0", sites=("lomme",), fixed=True),
        workload("b", host="lille-0", apart="x", across_sites=True, cpu_by_hour=(500,) * 168),
    ],
    [*old_hosts(2), *old_hosts(2, site="lille")],
    sites=("lomme", "lille"),
    policy=WHOLE.__class__(site_loss=SiteLoss.KEEP),
)


def test_an_organisation_that_joins_brings_its_workloads() -> None:
    joined = changed(TOWN, OrganisationJoins((workload("theirs", organisation="loos"),)))

    assert [one.name for one in joined.workloads] == ["a", "b", "theirs"]


def test_what_ran_on_a_dead_host_runs_nowhere_and_is_free_to_go() -> None:
    after = changed(TOWN, HostDies("lomme-0"))

    assert "lomme-0" not in {host.name for host in after.hosts}
    assert (after.workloads[0].host, after.workloads[0].fixed) == ("", False)


def test_the_last_site_has_no_other_to_fail_over_to() -> None:
    after = changed(TOWN, SiteCloses("lomme"))

    assert after.sites == ("lille",)
    assert after.policy.site_loss is SiteLoss.IGNORED
    assert after.workloads[0].sites == ()
    assert not after.workloads[1].across_sites


def test_growth_is_rounded_up_for_every_resource_and_hour() -> None:
    after = changed(TOWN, EverythingGrows(per_year=0.03, months=12))

    assert after.workloads[1].amounts.cpu_milli == 1_030
    assert after.workloads[1].amounts.memory_mib == 16_876
    assert set(after.workloads[1].cpu_by_hour) == {515}


def test_an_unknown_host_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidInputError) as refused:
        changed(TOWN, HostDies("lomme-9"))

    assert refused.value.code == "capacity.what_if_host_unknown"
    assert refused.value.values == {"given": "lomme-9", "nearest": "lomme-1"}


def test_the_last_site_cannot_close() -> None:
    alone = changed(TOWN, SiteCloses("lomme"))

    with pytest.raises(InvalidInputError) as refused:
        changed(alone, SiteCloses("lille"))

    assert refused.value.code == "capacity.last_site"
