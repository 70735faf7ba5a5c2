"""Many municipal sites of the story of Le Mans (Wagtail), each isolated as any application is."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from tests.support.town import Town
from tests.support.waiting import eventually

from bench.accelerator.towns import DOMAIN, VISITORS, running_town

_STORY: Final = Path(__file__).parents[2] / "stories" / "le-mans"
_OF_THE_STORY: Final = "site-municipal"
_LEFT_OUT: Final = ("organisation", "title", "source", "hosts", "jobs")
_BUILT_WITHIN_S: Final = 180.0
_PERSON: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_LINK: Final = re.compile(r'(?:href|src)="(/[^"#?]*)"')


def host_of(name: str) -> str:
    """Return the host name of a site."""
    return f"{name}.{DOMAIN}"


@asynccontextmanager
async def municipal_sites(
    count: int, hibernation: Mapping[str, int]
) -> AsyncIterator[tuple[Town, Sequence[str]]]:
    """Run so many sites, each built and served apart; yield the town and their names."""
    names = [f"mairie-{number}" for number in range(count)]
    declared = _declared() | {"visitors": VISITORS, "hibernation": dict(hibernation)}
    applications = {
        name: {**declared, "source": {"folder": f"sources/{name}"}, "hosts": [host_of(name)]}
        for name in names
    }
    sources = dict.fromkeys(names, _STORY / "applications" / _OF_THE_STORY)
    async with running_town(applications, sources, 60 + _BUILT_WITHIN_S * count) as town:
        yield town, names


async def visit_every_page(town: Town, name: str) -> int:
    """Ask for the home page and all that it links to; return how many answers came well."""
    page = await visit(town, name, "/")
    paths = sorted(set(_LINK.findall(page.text)))
    return sum([(await visit(town, name, path)).status_code == 200 for path in paths])


async def visit(town: Town, name: str, path: str) -> httpx.Response:
    """Ask for a page as a person's browser does."""
    return await town.get(host_of(name), path, **{"User-Agent": _PERSON})


async def put_to_sleep(town: Town, name: str) -> None:
    """Put a site to sleep; one that is in use is asked again."""

    async def sleeps() -> bool:
        ended = await town.ordered(f"/api/applications/{name}/sleep")
        return bool(ended["state"] == "succeeded")

    await eventually(sleeps, 30)


def _declared() -> dict[str, Any]:
    story = yaml.safe_load((_STORY / "territory.yaml").read_text(encoding="utf-8"))
    told = story["applications"][_OF_THE_STORY]
    return {key: value for key, value in told.items() if key not in _LEFT_OUT}
