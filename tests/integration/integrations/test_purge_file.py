"""The file that an application copies, against a real socket."""

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.integrations.purge_door import TOKEN, Asked, PurgeDoor
from tests.support.sources import ROOT

FILE = ROOT / "integrations" / "python" / "beffroi_pages.py"
TAGS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)


def _copied() -> ModuleType:
    specification = importlib.util.spec_from_file_location("beffroi_pages", FILE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


beffroi_pages = _copied()


@pytest.fixture
def hosted(door: PurgeDoor, monkeypatch: pytest.MonkeyPatch) -> PurgeDoor:
    """The environment of an application that the platform runs."""
    for name, value in door.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BEFFROI_HOSTS", "www.ville.example,ville.example")
    return door


async def _purge(**what: object) -> int:
    purged: int = await asyncio.to_thread(beffroi_pages.purge, **what)
    return purged


async def test_tags_are_purged_by_one_request(hosted: PurgeDoor) -> None:
    assert await _purge(tags=["news", "page-7", "news"]) == 1

    assert hosted.asked == [
        Asked(
            "PURGE",
            "/",
            {
                "accept-encoding": "identity",
                "host": "www.ville.example",
                "cache-groups": '"news", "page-7"',
                "authorization": f"Bearer {TOKEN}",
            },
        )
    ]


async def test_addresses_are_purged_on_their_host_with_their_query(hosted: PurgeDoor) -> None:
    urls = ["/école/", "https://ville.example:8443/a%20b?page=2", "https://ville.example"]

    assert await _purge(urls=urls) == 3

    asked = {(one.headers["host"], one.target) for one in hosted.asked}
    assert asked == {
        ("www.ville.example", "/%C3%A9cole/"),
        ("ville.example", "/a%20b?page=2"),
        ("ville.example", "/"),
    }


async def test_the_whole_site_needs_nothing_else(hosted: PurgeDoor) -> None:
    await _purge(tags=["a"], urls=["/b"], site=True)

    assert [one.headers["beffroi-purge"] for one in hosted.asked] == ["site"]


async def test_many_tags_go_in_requests_of_a_bounded_size(hosted: PurgeDoor) -> None:
    tags = {f"page-{number}" for number in range(450)}

    assert await _purge(tags=tags) == 5

    assert hosted.tags == tags
    assert max(len(one.headers["cache-groups"]) for one in hosted.asked) <= 4000


async def test_nothing_to_purge_asks_nothing(hosted: PurgeDoor) -> None:
    assert await _purge() == 0
    assert hosted.asked == []


async def test_outside_the_platform_nothing_is_purged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEFFROI_PURGE_SOCKET", raising=False)

    assert await _purge(site=True) == 0


async def test_a_refusal_is_told(hosted: PurgeDoor) -> None:
    hosted.status = 401

    with pytest.raises(beffroi_pages.PurgeError, match="answered 401"):
        await _purge(tags=["a"])


async def test_a_platform_that_does_not_answer_holds_nobody_up(hosted: PurgeDoor) -> None:
    hosted.pause_s = 5
    begun = asyncio.get_running_loop().time()

    with pytest.raises(beffroi_pages.PurgeError):
        await _purge(tags=["a"], deadline_s=0.2)

    assert asyncio.get_running_loop().time() - begun < 2


async def test_a_platform_that_starts_anew_is_waited_for(hosted: PurgeDoor) -> None:
    hosted.path.unlink()
    asking = asyncio.create_task(_purge(tags=["a"]))
    await asyncio.sleep(0.2)
    server = await asyncio.start_unix_server(hosted.serve, hosted.path)

    assert await asking == 1
    server.close()


async def test_a_platform_that_is_away_is_told(
    monkeypatch: pytest.MonkeyPatch, short_folder: Path
) -> None:
    monkeypatch.setenv("BEFFROI_PURGE_SOCKET", str(short_folder / "nobody.sock"))

    with pytest.raises(beffroi_pages.PurgeError):
        await _purge(tags=["a"], deadline_s=0.2)


@given(st.sets(TAGS, max_size=300))
def test_a_header_says_exactly_its_tags(tags: set[str]) -> None:
    asked = Asked("GET", "/", {"cache-groups": beffroi_pages.cache_groups(tags)})

    assert sorted(asked.tags) == sorted(tags)


@pytest.mark.parametrize("tag", ["", "é", "a\nb", "x" * 1025])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="not a tag"):
        beffroi_pages.cache_groups([tag])
