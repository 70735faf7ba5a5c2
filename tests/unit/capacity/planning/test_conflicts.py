import msgspec
import pytest

from beffroi.capacity.model import Amounts, Host, Inventory, SiteLoss
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import (
    NO_SPARE,
    old_hosts,
    planned,
    town,
    workload,
)


def refusal(inventory: Inventory) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as refused:
        planned(inventory)
    return refused.value


def conflict(inventory: Inventory) -> str:
    error = refusal(inventory)
    assert error.code == "capacity.no_plan"
    return str(error.values["rules"])


def test_workloads_both_apart_and_together_are_named() -> None:
    workloads = [workload(f"w{i}", apart="db", together="pair") for i in range(2)]
    others = [workload(f"o{i}", apart="web") for i in range(2)]

    named = conflict(town([*workloads, *others], buys=("blade",)))

    assert named == "apart «db» + together «pair»"


def test_workloads_together_that_are_pinned_to_two_sites_are_named() -> None:
    workloads = [
        workload("a", together="pair", sites=("lomme",)),
        workload("b", together="pair", sites=("lille",)),
        workload("c", sites=("lille",)),
    ]

    named = conflict(town(workloads, sites=("lomme", "lille"), buys=("blade",)))

    assert named == "sites «a» + sites «b» + together «pair»"


def test_a_licence_that_no_host_has_is_named_with_the_hosts() -> None:
    named = conflict(town([workload("erp", licence="oracle"), workload("w")], old_hosts(4)))

    assert named == "hosts + licence «oracle»"


def test_a_group_across_sites_whose_members_are_pinned_to_one_is_named() -> None:
    group = [
        workload(f"dns{i}", apart="dns", across_sites=True, sites=("lomme",)) for i in range(2)
    ]

    named = conflict(town(group, sites=("lomme", "lille"), buys=("blade",)))

    assert named == "across_sites «dns» + sites «dns0» + sites «dns1»"


def test_a_workload_fixed_to_a_host_that_is_to_go_is_named_with_it() -> None:
    hosts = [*old_hosts(3), Host(name="tired", model="old", site="lomme", switched_off=True)]

    named = conflict(town([workload("pbx", host="tired", fixed=True)], hosts))

    assert named == "fixed «pbx» + switched_off «tired»"


def test_two_of_a_group_apart_fixed_to_one_host_are_named() -> None:
    workloads = [workload(f"w{i}", host="lomme-0", fixed=True, apart="db") for i in range(2)]

    named = conflict(town(workloads, old_hosts(4)))

    assert named == "apart «db» + fixed «w0» + fixed «w1»"


def test_too_few_hosts_for_a_spare_are_named_with_the_spare() -> None:
    named = conflict(town([workload(f"w{i}", gib=60) for i in range(2)], old_hosts(2)))

    assert named == "hosts + spare_hosts = 1"


def test_what_the_survivor_cannot_hold_is_named_with_the_loss() -> None:
    policy = msgspec.structs.replace(NO_SPARE, site_loss=SiteLoss.KEEP)
    hosts = [*old_hosts(1), *old_hosts(1, site="lille")]

    named = conflict(
        town(
            [workload(f"w{i}", gib=40) for i in range(2)],
            hosts,
            sites=("lomme", "lille"),
            policy=policy,
        )
    )

    assert named == "hosts + site_loss = keep"


def test_owners_whose_hosts_are_too_few_are_named() -> None:
    hosts = [*old_hosts(1, organisations=("housing",)), *old_hosts(3, site="lille")]
    workloads = [workload("school", organisation="town", sites=("lomme",))]

    named = conflict(town(workloads, hosts, sites=("lomme", "lille"), policy=NO_SPARE))

    assert named == "hosts + organisations «housing» + sites «school»"


def test_a_group_apart_larger_than_the_hosts_is_named() -> None:
    named = conflict(
        town(
            [workload(f"w{i}", gib=1, apart="db") for i in range(5)], old_hosts(4), policy=NO_SPARE
        )
    )

    assert named == "apart «db» + hosts"


def test_hosts_too_few_for_the_sum_are_told_with_the_resource() -> None:
    error = refusal(town([workload(f"w{i}", gib=60) for i in range(5)], old_hosts(4)))

    assert error.code == "capacity.room_short"
    assert error.values == {
        "resource": "memory_mib",
        "needed": 300 * 1024,
        "usable": 256 * 1024,
        "hosts": 4,
    }


def test_room_that_is_there_in_sum_alone_is_told_with_the_workload_left_over() -> None:
    workloads = [workload(f"w{i}", gib=40) for i in range(3)]

    error = refusal(town([*workloads, workload("x", gib=8)], old_hosts(2), policy=NO_SPARE))

    assert error.code == "capacity.no_room_of"
    assert error.values == {"resource": "memory_mib", "hosts": 2, "count": 3, "workload": "w2"}
    assert "buys" in error.remedy(Language.FR)


def test_resources_that_suffice_each_but_not_at_once_are_told_so() -> None:
    # By memory d stands with b and c with a; then c and a take 10 cores of 8.
    sizes = {"a": (30, 5), "b": (20, 3), "c": (34, 5), "d": (44, 3)}
    workloads = [workload(name, gib=gib, cores=cores) for name, (gib, cores) in sizes.items()]

    error = refusal(town(workloads, old_hosts(2), policy=NO_SPARE))

    assert error.code == "capacity.no_room"
    assert error.values == {"hosts": 2, "count": 3, "workload": "a"}


def test_a_workload_larger_than_any_host_is_told_with_the_best_host() -> None:
    error = refusal(town([workload("huge", gib=300), workload("w")], old_hosts(4), buys=("blade",)))

    assert error.code == "capacity.workload_too_large"
    assert error.values == {
        "workload": "huge",
        "resource": "memory_mib",
        "needed": 300 * 1024,
        "usable": 256 * 1024,
        "model": "blade",
    }


def test_workloads_together_that_fit_on_no_host_are_named() -> None:
    workloads = [workload(f"w{i}", gib=200, together="pair") for i in range(2)]

    assert conflict(town(workloads, buys=("blade",))) == "together «pair»"


def test_names_that_lead_nowhere_are_told() -> None:
    error = refusal(town([workload("a", sites=("loos",))], old_hosts(1)))

    assert error.code == "capacity.name_unknown"
    assert (error.values["name"], error.values["given"]) == ("a", "loos")


def test_a_name_told_twice_is_refused() -> None:
    assert refusal(town([workload("a"), workload("a")], old_hosts(1))).code == "capacity.name_twice"


def test_a_negative_size_cannot_be_made() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"memory_mib": -1}', type=Amounts)
