"""A file of needs is refused with each mistake at its line."""

from pathlib import Path

import pytest

from beffroi.ledger.quotes.needs import DirectCost, ServiceLevel
from beffroi.ledger.quotes.needs_file import load_needs
from beffroi.territory.errors import TerritoryInvalidError
from tests.support.quotes import STORY, drancy_needs

NEEDS = """\
consultation: {reference: A-1, title: Hébergement, day: 2026-11-02}
buyer: {title: Office, siret: "27930001600011"}
organisation: office
market: {starts: 2027-01-01, duration_months: 48}
applications:
  extranet:
    cores: 2.5
    memory_gib: 8
    disk_gib: 100
    count: 2
    level: critical
    busy: {days: [mon, fri], from_h: 8, to_h: 18, rest_percent: 20}
    support_hours: 2
terms:
  hosts_cost: blades
  upkeep_cost: licences
  hosts_bought: anew
  margin_percent: 5
  direct_costs: {support_hour: 46}
lines:
  - designation: Machine
    unit: mois
    quantity: 3
    contains: {core: 2}
"""


def findings(folder: Path, text: str) -> list[tuple[str, int]]:
    file = folder / "needs.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TerritoryInvalidError) as refused:
        load_needs(file)
    return [(one.code, one.line) for one in refused.value.found]


def test_the_needs_of_the_story_are_read() -> None:
    needs = drancy_needs()
    assert needs.present is not None
    assert needs.present.yearly_eur == 118000
    assert needs.asked(DirectCost.SUPPORT_HOUR) == 20
    assert len(needs.lines) == 8
    assert STORY.name == "drancy"


def test_applications_are_read_with_their_hours_and_level(tmp_path: Path) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text(NEEDS, encoding="utf-8")
    application = load_needs(file).applications["extranet"]
    assert application.level is ServiceLevel.CRITICAL
    assert application.busy is not None
    assert application.busy.rest_percent == 20


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("27930001600011", "27930001600012", "ledger.siret_wrong", 2),
        ("cores: 2.5", "cores: 0", "ledger.quote_size_absurd", 7),
        ("memory_gib: 8", "memory_gib: 8388608", "ledger.quote_size_absurd", 8),
        ("disk_gib: 100", "disk_gib: -1", "ledger.quote_size_absurd", 9),
        ("count: 2", "count: 1", "ledger.quote_level_alone", 11),
        ("support_hour: 46", "setup_hour: 46", "ledger.quote_direct_cost_missing", 14),
        ("contains: {core: 2}", "contains: {core: 0}", "ledger.quote_line_empty", 24),
        (
            "contains: {core: 2}",
            "contains: {core: 2, setup: 1}",
            "ledger.quote_line_mixed",
            24,
        ),
        ("margin_percent: 5", "margin: 5", "territory.unknown_key", 18),
        ("quantity: 3", "quantity: -3", "territory.below_minimum", 23),
    ],
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, before: str, after: str, code: str, line: int
) -> None:
    assert (code, line) in findings(tmp_path, NEEDS.replace(before, after))


def test_a_line_that_is_there_twice_is_told(tmp_path: Path) -> None:
    twice = NEEDS + NEEDS[NEEDS.index("  - designation") :]
    assert findings(tmp_path, twice) == [("ledger.quote_line_twice", 25)]
