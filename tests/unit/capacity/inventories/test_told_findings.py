"""What readers and sizing find is told in both languages."""

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.capacity.inventories.findings import ExclusionReason, Note
from beffroi.capacity.model import Resource
from beffroi.capacity.sizing_advice import Advice, Anomaly, Evidence, Statistic, Verdict
from beffroi.kernel.catalogue import Language, entries

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)


def _advice(verdict: Verdict, resource: Resource = Resource.CPU) -> Advice:
    evidence = Evidence(
        since=BEGIN,
        until=BEGIN + timedelta(days=31),
        samples=8900,
        expected=8928,
        statistic=Statistic.P95,
        value=1250,
    )
    return Advice(
        workload="paie",
        resource=resource,
        allotted=4096,
        advised=2048,
        verdict=verdict,
        evidence=evidence,
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_told_with_its_workload(verdict: Verdict, language: Language) -> None:
    assert "paie" in _advice(verdict).told(language)


def test_amounts_are_told_in_cores_and_gib() -> None:
    cpu = _advice(Verdict.LOWER).told(Language.EN)
    memory = _advice(Verdict.LOWER, Resource.MEMORY).told(Language.EN)
    assert "2.048 cores" in cpu
    assert "p95 1.25 cores, 8900 samples over 31 days" in cpu
    assert "2.0 GiB" in memory


@pytest.mark.parametrize("language", Language)
def test_every_exclusion_and_anomaly_is_told(language: Language) -> None:
    known = entries("capacity", language)
    assert [one for one in ExclusionReason if f"exclusions.{one}" not in known] == []
    assert [one for one in Anomaly if f"notes.samples_{one}" not in known] == []


def test_a_note_is_told_with_its_values() -> None:
    note = Note("instant_photo", {"file": "rvtools.xlsx", "vcpu_per_core": 4.0})
    assert "1/4 " in note.told(Language.FR)
