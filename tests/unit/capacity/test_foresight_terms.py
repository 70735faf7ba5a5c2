import pytest

from beffroi.capacity.foresight_form import ForesightForm, WhatIfForm, WhatIfKind
from beffroi.capacity.foresight_terms import Start, WantedForesight, foresight_request, started
from beffroi.capacity.growth import EverythingGrows, HostDies, SiteCloses
from beffroi.capacity.model import Plan
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import old_hosts, planned, town, workload


@pytest.fixture(scope="module")
def plan() -> Plan:
    hosts = old_hosts(3, switched_off=True)
    workloads = [workload(f"w{i}", gib=60, host=f"lomme-{i}") for i in range(3)]
    return planned(town(workloads, hosts, buys=("blade",)))


def test_a_plan_carried_out_runs_each_workload_where_it_was_placed(plan: Plan) -> None:
    after = started(plan, Start.PLANNED)

    assert after.hosts == plan.used_hosts
    assert {one.name: one.host for one in after.workloads} == plan.placement


def test_today_is_the_inventory_as_it_was_given(plan: Plan) -> None:
    assert started(plan, Start.TODAY) is plan.inventory


def test_the_spares_of_the_plan_stay_empty(plan: Plan) -> None:
    request = foresight_request(plan, WantedForesight())

    assert request.spares == tuple(one.host.name for one in plan.hosts if one.spare)
    assert len(request.spares) == 1


def test_todays_hosts_count_even_where_they_are_told_to_go(plan: Plan) -> None:
    request = foresight_request(plan, WantedForesight(start=Start.TODAY))

    assert [host.name for host in request.hosts] == ["lomme-0", "lomme-1", "lomme-2"]
    assert not any(host.switched_off for host in request.hosts)
    assert request.spares == ()


def test_a_form_is_read_with_a_comma_or_a_point() -> None:
    form = ForesightForm(percent="2,5", years="3", cores="0.5", memory_gib=" 4 ", disk_gib="0")

    wanted = form.wanted()

    assert (wanted.per_year, wanted.years, wanted.cores) == (0.025, 3, 0.5)
    assert (wanted.memory_gib, wanted.disk_gib) == (4, 0)
    assert ForesightForm.of(wanted).percent == "2.5"


@pytest.mark.parametrize(
    "form",
    [
        ForesightForm(percent="101"),
        ForesightForm(years="0"),
        ForesightForm(cores="deux"),
        ForesightForm(memory_gib="nan"),
        ForesightForm(disk_gib="-1"),
    ],
)
def test_a_value_out_of_its_bounds_is_quoted(form: ForesightForm) -> None:
    with pytest.raises(InvalidInputError) as refused:
        form.wanted()

    assert refused.value.code == "capacity.number_out_of_bounds"
    assert refused.value.values["given"] in {"101", "0", "deux", "nan", "-1"}


def test_each_kind_of_what_if_reads_its_own_field() -> None:
    dies = WhatIfForm(WhatIfKind.HOST_DIES, host="lame-1")
    closes = WhatIfForm(WhatIfKind.SITE_CLOSES, site="lille")
    grows = WhatIfForm(WhatIfKind.EVERYTHING_GROWS, percent="30")

    assert dies.what_if() == HostDies("lame-1")
    assert closes.what_if() == SiteCloses("lille")
    assert grows.what_if() == EverythingGrows(0.3, 12)
    assert WhatIfForm(WhatIfKind.ORGANISATION_JOINS).what_if() is None
