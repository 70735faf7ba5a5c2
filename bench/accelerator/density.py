"""How many isolated municipal sites one gigabyte holds, with nine of ten at rest."""

import asyncio
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.support.town import Town

from beffroi.hosting.model import is_instance
from bench.accelerator.municipal_sites import (
    municipal_sites,
    put_to_sleep,
    visit,
    visit_every_page,
)
from bench.accelerator.servers import cancelled_by_termination
from bench.accelerator.tables import keep_with_table
from bench.measuring import Figures
from bench.memory import proportional_mib

_SITES: Final = int(os.environ.get("BENCH_SITES", "12"))
_AWAKE_SHARE: Final = 0.1
_GIGABYTE_MIB: Final = 1e9 / 2**20
_SETTLE_S: Final = 5.0
_TARGET: Final = 80
_PLATFORM: Final = "beffroi"
_METHOD: Final = (
    f"{_SITES} municipal sites of the story of Le Mans (Wagtail), each with a release, a user, a "
    "sandbox and a database of its own, under the real `beffroi up`; of each the home page and all "
    "that it links to were asked for once. Memory is the proportional set size of all processes, "
    "sandboxes included. all but a tenth of them (two at least) were then put "
    "to sleep, and still show their stored pages (asked for again, and found stored). "
    "A sleeping site takes no process; counted for it are its stored pages, as if all of them "
    "stayed in memory, and its share of what the platform grew by. per GB: how many sites fit in "
    "10^9 bytes by these figures, with a tenth of them awake, with the platform's own share "
    "(beffroi, nginx, the filler, PostgreSQL) taken off, and beside it as the target was set: "
    "without it."
)


def measure() -> None:
    """Run the sites, measure, put most of them to sleep, measure again."""
    keep_with_table("accelerator_density", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    await cancelled_by_termination()
    hibernation = {"freeze_after_s": 0, "sleep_after_s": 0}
    async with municipal_sites(_SITES, hibernation) as (town, names):
        empty = _sum(_platform(town))
        for name in names:
            await visit_every_page(town, name)
        await asyncio.sleep(_SETTLE_S)
        awake = _awake_mib(town)
        platform_awake = _platform(town)
        asleep = names[max(2, round(_AWAKE_SHARE * len(names))) :]
        for name in asleep:
            await put_to_sleep(town, name)
        hits = [await _is_stored(town, name) for name in asleep]
        await asyncio.sleep(_SETTLE_S)
        resting, platform = _awake_mib(town), _platform(town)
        stored = statistics.median(_stored_mib(town, name) for name in names)
    grown = max(0.0, (_sum(platform) - empty) / len(names))
    return {
        "awake, each": {"mib": round(statistics.median(awake), 1), "most": round(max(awake), 1)},
        "asleep, each": {
            "mib": round(stored + grown, 2),
            "stored_pages_mib": round(stored, 2),
            "of_the_platform_mib": round(grown, 2),
            "home_pages_still_shown": f"{sum(hits)} of {len(asleep)}",
        },
        "platform, all awake": _rounded(platform_awake),
        "platform, most at rest": _rounded(platform),
        f"all {len(names)} awake": {
            "sites_mib": round(sum(awake)),
            **_total(awake, platform_awake),
        },
        f"{len(resting)} of {len(names)} awake": {
            "sites_mib": round(sum(resting)),
            **_total(resting, platform),
        },
        **_per_gigabyte(statistics.median(awake), stored + grown, _sum(platform)),
    }


def _per_gigabyte(awake: float, asleep: float, platform: float) -> dict[str, Figures]:
    """Tell how many sites fit, as arithmetic on what was measured."""
    mixed = _AWAKE_SHARE * awake + (1 - _AWAKE_SHARE) * asleep
    rows: dict[str, Figures] = {}
    for told, each in (("a tenth awake", mixed), ("all awake", awake)):
        rows[f"per GB, {told}"] = {
            "sites": int((_GIGABYTE_MIB - platform) / each),
            "sites_without_the_platform": int(_GIGABYTE_MIB / each),
            "target": f">= {_TARGET}" if each == mixed else "",
        }
    return rows


def _awake_mib(town: Town) -> list[float]:
    """Return the memory of each instance that runs."""
    return [proportional_mib([town.unit_pid(unit)]) for unit in _running(town) if is_instance(unit)]


def _platform(town: Town) -> dict[str, float]:
    """Return the memory of the platform's own processes, by name."""
    engines = {
        unit: proportional_mib([town.unit_pid(unit)])
        for unit in _running(town)
        if not is_instance(unit)
    }
    return {_PLATFORM: proportional_mib([town.pid]) - _below(town), **engines}


def _below(town: Town) -> float:
    """Return what of the memory below ``beffroi up`` is that of its units."""
    roots = [town.unit_pid(unit) for unit in _running(town)]
    return proportional_mib(pid for pid in roots if _descends(pid, town.pid))


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        text = Path("/proc", str(pid), "stat").read_text(encoding="ascii")
        pid = int(text[text.rindex(")") + 2 :].split()[1])
    return False


def _running(town: Town) -> Sequence[str]:
    return [unit for unit in town.units() if Path("/proc", str(town.unit_pid(unit))).exists()]


async def _is_stored(town: Town, name: str) -> bool:
    answer = await visit(town, name, "/")
    return answer.status_code == 200 and "hit" in answer.headers.get("cache-status", "")


def _stored_mib(town: Town, name: str) -> float:
    """Return the room of a site's stored pages, in blocks of the file system."""
    files = (town.places.store / "answers" / name).rglob("*")
    return sum(path.lstat().st_blocks * 512 for path in files) / 2**20


def _sum(parts: dict[str, float]) -> float:
    return sum(parts.values())


def _rounded(parts: dict[str, float]) -> Figures:
    return {f"{name}_mib": round(mib, 1) for name, mib in parts.items()}


def _total(sites: Iterable[float], platform: dict[str, float]) -> Figures:
    return {"with_the_platform_mib": round(sum(sites) + _sum(platform))}
