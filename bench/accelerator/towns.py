"""Territories that a bench runs by the real ``beffroi up``."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.town import Town

DOMAIN: Final = "banc.localhost"
# The limits are in force, above what one address of a bench asks.
VISITORS: Final = {
    "requests_per_s": 100_000,
    "site_requests_per_s": 1_000_000,
    "crawler_misses_per_minute": 100_000,
}


class DefectError(Exception):
    """The platform told of a defect of its own."""


def territory_of(applications: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a territory of one organisation, one machine and these applications."""
    return {
        "territory": {"name": "banc", "title": "Banc", "domain": "localhost"},
        "organisations": {"banc": {"title": "Banc"}},
        "sites": {"salle": {"title": "Salle", "latitude": 48.0, "longitude": 0.2}},
        "hosts": {"h1": {"site": "salle", "cpus": 2, "memory_gib": 24, "disk_gib": 100}},
        "applications": {
            name: {"organisation": "banc", "title": name.title(), **declared}
            for name, declared in applications.items()
        },
    }


@asynccontextmanager
async def running_town(
    applications: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Path],
    within_s: float = 120,
) -> AsyncIterator[Town]:
    """Run a territory until every application is settled, and for the length of the block.

    Raises:
        DefectError: Its log tells of a defect; the logs are kept.
    """
    town = Town()
    kept = True
    try:
        town.declare(territory_of(applications), sources)
        await town.up(within_s=within_s)
        yield town
        if town.defects():
            raise DefectError("\n".join(town.defects())[-4000:])
        kept = False
    finally:
        await town.close(keep_logs=kept)
