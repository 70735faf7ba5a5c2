"""What is kept of a site's weight, week by week; pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from beffroi.delivery.rgesn import Finding
from beffroi.delivery.weight import EcoIndex, PageWeight, site_weight


class WeighedPage(msgspec.Struct, frozen=True):
    """One page, as told.

    Attributes:
        bytes: What travels for it and what it names, as far as known.
        unweighed: How many of its own host's resources have no known size.
        third_parties: How many resources come from other hosts; none is weighed.
    """

    address: str
    grade: str
    score: float
    elements: int
    requests: int
    bytes: int
    unweighed: int
    third_parties: int


class ThirdPartyUse(msgspec.Struct, frozen=True):
    """Another host, and how many of the pages fetch from it."""

    host: str
    pages: int


class WeightFigures(msgspec.Struct, frozen=True):
    """The medians of a site's pages, the heaviest of them, and whom else they ask."""

    pages: int
    grade: str
    score: float
    median_elements: int
    median_requests: int
    median_bytes: int
    heaviest: tuple[WeighedPage, ...]
    third_parties: tuple[ThirdPartyUse, ...]


class WeightReport(msgspec.Struct, frozen=True):
    """A site in one week.

    Attributes:
        week: Its Monday.
        figures: Nothing when no page was stored.
        findings: What the platform says of the criteria of the RGESN.
    """

    application: str
    organisation: str
    week: date
    made_at: datetime
    figures: WeightFigures | None
    findings: tuple[Finding, ...]


def week_of(moment: datetime) -> date:
    """Return the Monday of a moment's week."""
    day = moment.date()
    return day - timedelta(days=day.weekday())


def weight_figures(pages: Sequence[PageWeight]) -> WeightFigures | None:
    """Sum up the pages of a site."""
    if not pages:
        return None
    site = site_weight(pages)
    return WeightFigures(
        site.pages,
        site.eco_index.grade,
        _told_score(site.eco_index),
        site.median_elements,
        site.median_requests,
        site.median_bytes,
        tuple(_weighed(page) for page in site.heaviest),
        tuple(ThirdPartyUse(one.host, one.pages) for one in site.third_parties),
    )


def _weighed(page: PageWeight) -> WeighedPage:
    return WeighedPage(
        page.address,
        page.eco_index.grade,
        _told_score(page.eco_index),
        page.elements,
        page.requests,
        page.transferred_bytes,
        len(page.unweighed),
        len(page.third_parties),
    )


def _told_score(index: EcoIndex) -> float:
    return round(index.score, 1)
