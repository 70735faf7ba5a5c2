from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.model import Amounts, HostModel, Workload
from beffroi.capacity.newcomers import joining, standard_workload
from tests.unit.capacity.planning.planned_towns import OLD, old_hosts, town, workload

NAMES = st.lists(st.sampled_from(["ad", "ad-2", "ged", "paie"]), unique=True)
GROUPS = st.sampled_from(["", "dns", "dns-2"])


def test_who_joins_runs_nowhere_yet_and_may_run_on_any_site_of_ours() -> None:
    theirs = town([workload("ged", host="bobigny-1", fixed=True, sites=("bobigny",))])
    ours = town([workload("paie")], old_hosts(2))

    (joined,) = joining(theirs, ours).workloads

    assert (joined.host, joined.fixed, joined.sites) == ("", False, ())


def test_a_site_that_is_ours_too_still_binds() -> None:
    theirs = town([workload("ged", sites=("lomme", "bobigny"))])

    (joined,) = joining(theirs, town([])).workloads

    assert joined.sites == ("lomme",)


@given(NAMES, NAMES, GROUPS, GROUPS)
def test_no_name_and_no_group_of_theirs_is_one_of_ours(
    theirs: list[str], ours: list[str], their_group: str, our_group: str
) -> None:
    mine = town([workload(name, apart=our_group) for name in ours])

    joined = joining(town([workload(name, apart=their_group) for name in theirs]), mine).workloads

    assert len({one.name for one in joined} | set(ours)) == len(theirs) + len(ours)
    assert len({one.apart for one in joined}) <= 1
    assert not ({one.apart for one in joined} & {one.apart for one in mine.workloads} - {""})
    assert all(bool(one.apart) is bool(their_group) for one in joined)


def test_disks_do_not_count_where_no_host_tells_of_any() -> None:
    bare = HostModel(name="bare", amounts=Amounts(8_000, 64 * 1024))

    assert standard_workload([bare], 2, 8, 100).amounts == Amounts(2_000, 8 * 1024)
    assert standard_workload([bare, OLD], 2, 8, 100).amounts == Amounts(2_000, 8 * 1024, 100)


def test_a_standard_workload_is_rounded_up() -> None:
    wanted = standard_workload([OLD], 0.0004, 0.1, 0.5)

    assert wanted == Workload(name="standard", amounts=Amounts(1, 103, 1))
