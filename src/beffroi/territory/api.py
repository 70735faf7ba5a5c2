"""The territory over HTTP: parse, call one verb, answer."""

from pathlib import Path
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.http.api import api_router
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.territory.difference import Change
from beffroi.territory.model import Territory
from beffroi.territory.service import Applied, TerritoryService
from beffroi.territory.store import Versioned


class TerritoryFileNamed(msgspec.Struct, frozen=True):
    """A territory file on the platform's machine.

    Attributes:
        file: Its absolute path.
        expected_version: The version seen by the asker; unchecked when absent.
    """

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    expected_version: int | None = None


@get("/territory", summary="Show the territory that holds")
async def show_territory(
    territory: NamedDependency[TerritoryService], actor: NamedDependency[Actor]
) -> Versioned[Territory]:
    """Answer the current version."""
    actor.require(Permission.RUN_PLATFORM, "")
    found = await territory.current()
    if found is None:
        raise NotFoundError("territory.none_applied")
    return found


@post("/territory/difference", status_code=200, summary="Tell what applying a file would change")
async def difference(
    data: JSONBody[TerritoryFileNamed],
    territory: NamedDependency[TerritoryService],
    actor: NamedDependency[Actor],
) -> tuple[Change, ...]:
    """Answer the changes; change nothing."""
    actor.require(Permission.RUN_PLATFORM, "")
    return await territory.diff(Path(data.file))


@post("/territory", status_code=200, summary="Apply a territory file")
async def apply_territory(
    data: JSONBody[TerritoryFileNamed],
    territory: NamedDependency[TerritoryService],
    actor: NamedDependency[Actor],
) -> Applied:
    """Answer the new version and the changes."""
    actor.require(Permission.RUN_PLATFORM, "")
    return await territory.apply(Path(data.file), actor.name, data.expected_version)


def router() -> Router:
    """Return every route of the territory."""
    return api_router("territory", show_territory, difference, apply_territory)
