from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from beffroi.capacity.foresight_figures import (
    HEIGHT,
    ahead_picture,
    last_month,
    told_runway,
    told_years,
)
from beffroi.capacity.foresight_terms import KeptForesight, Start, WantedForesight
from beffroi.capacity.growth import (
    EverythingGrows,
    Foresight,
    HostDies,
    OrganisationJoins,
    RoomLeft,
    Runway,
    SiteCloses,
    YearAhead,
)
from beffroi.capacity.model import Plan
from beffroi.capacity.outcomes import Outcome, outcome_of, told_what_if
from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import NO_FIGURE
from tests.unit.capacity.planning.planned_towns import by_day, old_hosts, planned, town, workload

NOW = datetime(2026, 11, 22, tzinfo=UTC)
YEARS = (YearAhead(1, 0, "0"), YearAhead(2, 2, "18000.00"), YearAhead(3, None, None))


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Four hosts, one of them spare: 192 GiB at work, 150 of them taken."""
    hosts = old_hosts(4)
    workloads = [
        workload(f"w{i}", gib=25, cpu_by_hour=by_day(0, 1_000, i, i + 1)) for i in range(6)
    ]
    return planned(town(workloads, hosts))


def found(after: int | None = 13, resource: str = "memory_mib") -> Foresight:
    return Foresight(RoomLeft(1, 2, 3), Runway(after, after, resource, YEARS))


def test_the_drawing_compares_what_is_taken_with_hosts_that_are_not_spare(plan: Plan) -> None:
    picture = ahead_picture(plan, WantedForesight(per_year=0.25, years=4), found())

    assert picture is not None
    assert picture.resource == "memory_mib"
    assert picture.share_today == pytest.approx(150 / 192)
    assert picture.share_last == pytest.approx(150 / 192 * 1.25**4)
    assert picture.demand.count("L") == 4 * 12 + 1
    assert picture.full.startswith(f"M{100 * 13 / 48:.2f} 0")


def test_demand_above_the_room_is_drawn_above_its_line(plan: Plan) -> None:
    picture = ahead_picture(plan, WantedForesight(per_year=0.25, years=4), found())

    assert picture is not None
    room = float(picture.room.split()[1].partition("h")[0])
    last = float(picture.demand.rpartition("L")[2].split()[1].partition("V")[0])
    assert 0 < last < room < HEIGHT


def test_cpu_is_taken_at_the_busiest_common_hour(plan: Plan) -> None:
    picture = ahead_picture(plan, WantedForesight(), found(resource="cpu_milli"))

    assert picture is not None
    assert picture.share_today == pytest.approx(1_000 / 24_000)


def test_a_platform_that_never_fills_shows_its_fullest_resource_and_no_month(plan: Plan) -> None:
    picture = ahead_picture(plan, WantedForesight(), found(None, ""))

    assert picture is not None
    assert (picture.resource, picture.full) == ("memory_mib", "")


def test_the_last_month_is_told_with_its_name_across_years() -> None:
    wanted = WantedForesight(per_year=0.025)

    told = told_runway(wanted, found(), NOW, Language.FR)

    assert "2,5 %" in told
    assert "décembre 2027" in told
    assert "mémoire" in told
    kept = KeptForesight(plan_id="p", actor="olga", made_at=NOW, wanted=wanted, found=found(1))
    assert last_month(kept, Language.EN) == "December 2026"


def test_a_platform_that_is_full_today_names_no_month() -> None:
    full = found(0)
    kept = KeptForesight(
        plan_id="p", actor="olga", made_at=NOW, wanted=WantedForesight(), found=full
    )

    assert "2026" not in told_runway(WantedForesight(), full, NOW, Language.EN)
    assert last_month(kept, Language.EN) == NO_FIGURE


def test_a_platform_that_suffices_says_for_how_long() -> None:
    for years in (1, 7):
        told = told_runway(WantedForesight(years=years), found(None, ""), NOW, Language.FR)
        assert told.endswith(f"durée regardée (en années : {years}).")


def test_years_are_compared_with_the_one_that_buys_most() -> None:
    first, second, third = told_years(found(), Language.EN)

    assert (first.hosts, first.cost, first.share) == (0, "€0", 0)
    assert (second.hosts, second.cost, second.share) == (2, "€18,000", 1)
    assert (third.hosts, third.cost, third.share) == (None, NO_FIGURE, 0)


def test_a_plan_in_one_line_counts_what_it_buys() -> None:
    workloads = [workload(f"w{i}", gib=100) for i in range(2)]
    bought = planned(town(workloads, (), buys=("blade",)))

    assert outcome_of(bought) == Outcome(2, 2, Decimal("18000.00"), holds=True)


def test_a_price_that_nobody_told_is_not_guessed(plan: Plan) -> None:
    assert outcome_of(plan) == Outcome(4, 0, Decimal(), holds=True)
    bought = planned(town([workload("w", gib=100)], (), buys=("oracle",)))

    assert outcome_of(bought).cost_eur is None


def test_every_change_has_a_name_in_both_languages() -> None:
    joins = OrganisationJoins((workload("ged", organisation="bobigny"),))
    changes = (HostDies("lame-1"), SiteCloses("lille"), EverythingGrows(0.3), joins)

    for language in Language:
        told = [told_what_if(one, language) for one in changes]
        assert [word in line for word, line in zip(NAMED, told, strict=True)] == [True] * 4
    nameless = OrganisationJoins((msgspec.structs.replace(joins.workloads[0], organisation=""),))
    assert told_what_if(nameless, Language.EN) == "1 workloads join"


NAMED = ("lame-1", "lille", "30", "bobigny")


def test_today_counts_every_host(plan: Plan) -> None:
    picture = ahead_picture(plan, WantedForesight(start=Start.TODAY), found())

    assert picture is not None
    assert picture.share_today == pytest.approx(150 / 256)
