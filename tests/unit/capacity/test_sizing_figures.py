"""Remarks on an inventory are told with their evidence."""

from datetime import UTC, datetime

from beffroi.capacity.inventories.findings import Excluded, ExclusionReason, Note
from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Resource
from beffroi.capacity.sizing_advice import (
    Advice,
    Anomaly,
    Coincidence,
    Evidence,
    Statistic,
    Verdict,
)
from beffroi.capacity.sizing_figures import told_remarks
from beffroi.kernel.catalogue import Language

SINCE, UNTIL = datetime(2026, 9, 6, tzinfo=UTC), datetime(2026, 10, 11, tzinfo=UTC)


def advice(workload: str, allotted: int, advised: int, verdict: Verdict) -> Advice:
    return Advice(
        workload=workload,
        resource=Resource.CPU,
        allotted=allotted,
        advised=advised,
        verdict=verdict,
        evidence=Evidence(
            since=SINCE,
            until=UNTIL,
            samples=830,
            expected=840,
            statistic=Statistic.P95,
            value=1_250,
            set_aside={Anomaly.MISSING: 10},
        ),
    )


def test_the_largest_change_comes_first_and_what_stays_is_counted() -> None:
    told = told_remarks(
        Remarks(
            advice=(
                advice("a", 2_000, 1_800, Verdict.LOWER),
                advice("b", 4_000, 2_000, Verdict.LOWER_BY_HALF),
                advice("c", 1_000, 1_000, Verdict.RIGHT),
                advice("d", 1_000, 1_000, Verdict.WINDOW_SHORT),
                advice("e", 1_000, 1_000, Verdict.AT_ITS_LIMIT),
            )
        ),
        Language.EN,
    )
    assert [one.workload for one in told.advice] == ["b", "a", "e"]
    assert told.others == (
        "2 size(s) stay as they are: right as it is (1), less than 30 days of samples (1)."
    )


def test_advice_is_told_with_its_window_and_its_samples() -> None:
    found = Remarks(advice=(advice("paie", 4_000, 2_000, Verdict.LOWER_BY_HALF),))
    (told,) = told_remarks(found, Language.FR).advice
    assert (told.allotted, told.advised) == ("4 cœurs", "2 cœurs")
    assert told.evidence == (
        "p95 1,25 cœurs, 830 mesures sur 840, du 6 septembre 2026 au 11 octobre 2026"
        " (10 non retenues telles quelles)"
    )


def test_what_adding_up_peaks_would_cost_is_told() -> None:
    found = Coincidence(
        workloads=3,
        mean_milli=1_000,
        sum_of_p95_milli=9_000,
        p95_of_sum_milli=6_000,
        sum_of_max_milli=12_000,
        max_of_sum_milli=8_000,
        since=SINCE,
        until=UNTIL,
        samples=840,
        missing=0,
    )
    told = told_remarks(Remarks(coincidence=found), Language.EN).coincidence
    assert "add up to 9 cores" in told
    assert "they take 6" in told
    assert "3 cores too many" in told


def test_machines_left_out_stand_under_their_reason() -> None:
    remarks = Remarks(
        excluded=(
            Excluded("b", ExclusionReason.TEMPLATE),
            Excluded("a", ExclusionReason.TEMPLATE),
            Excluded("c", ExclusionReason.POWERED_OFF),
        ),
        notes=(Note("site_unstated", {"site": "site"}),),
    )
    told = told_remarks(remarks, Language.FR)
    assert told.excluded == (("éteinte", "c"), ("modèle", "a, b"))
    assert told.notes == (
        "Aucun site n'est dit : toutes les machines sont prises pour un seul, «site».",
    )


def test_nothing_is_told_where_nothing_was_found() -> None:
    told = told_remarks(Remarks(), Language.FR)
    assert (told.advice, told.others, told.coincidence, told.excluded) == ((), "", "", ())
