"""A criterion is said to be met only when its own test is passed on what was measured."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.rgesn import Hosting, SiteEvidence, Verdict, findings
from beffroi.kernel.catalogue import Language

NOTHING = SiteEvidence(year=2026, answers=0)
FINE = SiteEvidence(
    year=2026,
    answers=120_000,
    from_store_share=0.93,
    purges=14,
    compressed_share=0.99,
    revalidated_share=1,
    modern_image_share=0.9,
    ipv6=True,
    heaviest_page_bytes=640_000,
    most_requests=31,
    hibernates=True,
    asleep_share=0.71,
    results_published=True,
    log_retention_days=90,
    hosting=Hosting(pue=1.28, wue_l_per_kwh=0.2, country="France", grid_gco2e_per_kwh=32),
)
ALWAYS_THE_OWNERS = {"1.5", "7.2"}
shares = st.none() | st.floats(0, 1)
amounts = st.none() | st.integers(0, 10**9)
figures = st.none() | st.floats(0, 1000)
evidences = st.builds(
    SiteEvidence,
    year=st.integers(2026, 2040),
    answers=st.integers(0, 10**9),
    from_store_share=shares,
    compressed_share=shares,
    revalidated_share=shares,
    modern_image_share=shares,
    ipv6=st.booleans(),
    other_hosts=st.sampled_from([(), ("cdn.example",), ("a.example", "b.example")]),
    heaviest_page_bytes=amounts,
    most_requests=amounts,
    hibernates=st.booleans(),
    results_published=st.booleans(),
    log_retention_days=amounts,
    hosting=st.builds(
        Hosting,
        pue=figures,
        wue_l_per_kwh=figures,
        country=st.sampled_from(["", "France"]),
        grid_gco2e_per_kwh=figures,
    ),
)


def verdicts(evidence: SiteEvidence) -> dict[str, Verdict]:
    return {finding.number: finding.verdict for finding in findings(evidence)}


def verdict(number: str, **changes: object) -> Verdict:
    return verdicts(msgspec.structs.replace(FINE, **changes))[number]


def test_a_site_that_does_all_it_can_meets_all_but_what_its_owner_must_write() -> None:
    told = verdicts(FINE)

    assert {number for number, one in told.items() if one is not Verdict.MET} == ALWAYS_THE_OWNERS
    assert {told[number] for number in ALWAYS_THE_OWNERS} == {Verdict.NOT_PROVABLE}


def test_nothing_is_met_where_nothing_was_seen() -> None:
    assert Verdict.MET not in verdicts(NOTHING).values()


def test_the_criteria_come_in_the_order_of_the_reference() -> None:
    numbers = [tuple(map(int, one.number.split("."))) for one in findings(NOTHING)]

    assert numbers == sorted(numbers)
    assert len(numbers) == len(set(numbers)) == 14


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        ("1.5", {"results_published": False}, Verdict.NOT_MET),
        ("3.2", {"hibernates": False}, Verdict.NOT_MET),
        ("3.3", {"ipv6": False}, Verdict.NOT_MET),
        ("3.3", {"other_hosts": ("cdn.example",)}, Verdict.NOT_PROVABLE),
        ("3.3", {"heaviest_page_bytes": None}, Verdict.NOT_PROVABLE),
        ("5.1", {"modern_image_share": 0.75}, Verdict.NOT_MET),
        ("5.1", {"modern_image_share": 0.76}, Verdict.MET),
        ("5.1", {"modern_image_share": None}, Verdict.NOT_PROVABLE),
        ("6.1", {"heaviest_page_bytes": 1_025_000}, Verdict.NOT_MET),
        ("6.1", {"most_requests": 41}, Verdict.NOT_MET),
        ("6.2", {"revalidated_share": 0.5}, Verdict.NOT_MET),
        ("6.3", {"compressed_share": 0.94}, Verdict.NOT_MET),
        ("6.7", {"other_hosts": ("cdn.example",)}, Verdict.NOT_PROVABLE),
        ("6.7", {"heaviest_page_bytes": None}, Verdict.NOT_PROVABLE),
        ("7.1", {"from_store_share": 0.49}, Verdict.NOT_MET),
        ("7.1", {"answers": 0}, Verdict.NOT_PROVABLE),
        ("7.2", {"log_retention_days": None}, Verdict.NOT_MET),
        ("8.3", {"hosting": Hosting(pue=1.5)}, Verdict.NOT_MET),
        ("8.4", {"hosting": Hosting(wue_l_per_kwh=0.41)}, Verdict.NOT_MET),
    ],
)
def test_each_criterion_follows_its_bound(
    number: str, changes: dict[str, object], expected: Verdict
) -> None:
    assert verdict(number, **changes) is expected


@pytest.mark.parametrize(
    ("year", "grid", "expected"),
    [(2029, 90, Verdict.MET), (2030, 90, Verdict.NOT_MET), (2029, 100, Verdict.NOT_MET)],
)
def test_the_bound_of_electricity_falls_in_2030(year: int, grid: float, expected: Verdict) -> None:
    hosting = Hosting(country="Pologne", grid_gco2e_per_kwh=grid)

    assert verdict("8.6", year=year, hosting=hosting) is expected


@given(evidences)
def test_each_finding_can_be_said_in_each_language(evidence: SiteEvidence) -> None:
    for finding in findings(evidence):
        for language in Language:
            assert finding.wording(language).endswith("?")
            assert finding.evidence(language).endswith(".")


def test_a_sentence_gives_its_figures() -> None:
    said = {one.number: one.evidence(Language.EN) for one in findings(FINE)}

    assert "93 %" in said["7.1"]
    assert "72" in said["5.2"]
    assert "640 kB" in said["6.1"]
    assert "1.28" in said["8.3"]
    assert "France" in said["8.6"]
