"""What surrounds every page: the territory, where one is, who is signed in."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency

from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.authentication import current_actor
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.rights.service import Rights
from beffroi.territory.model import Territory
from beffroi.territory.service import TerritoryService

PageRequest = Request[Any, Any, State]
# The results are read and linked by people who run nothing: their address is in their language.
_PATHS: Final = {"results": "/resultats"}


class NavigationEntry(msgspec.Struct, frozen=True):
    """A section of the console; ``current`` while one of its pages is shown."""

    path: str
    key: str
    current: bool


class Shell(msgspec.Struct, frozen=True):
    """The surroundings of one page.

    Attributes:
        actor: Who is signed in; nobody on the pages before that.
        territory: What holds; nothing before the first one, and on pages that failed early.
        path: The address of the page, without its query.
    """

    language: Language
    path: str
    actor: Actor | None = None
    territory: Territory | None = None

    @property
    def territory_title(self) -> str:
        """Return the name that people read."""
        return self.territory.title if self.territory else "beffroi"

    @property
    def navigation(self) -> tuple[NavigationEntry, ...]:
        """Return the sections that the actor may open."""
        if self.actor is None:
            return ()
        runs = self.actor.may(Permission.RUN_PLATFORM, "")
        sections = (
            *("applications", "organisations", "results", "exchange", "statements"),
            *(["plans", "engines"] if runs else []),
        )
        return tuple(
            NavigationEntry(_path_of(key), key, self.path.startswith(_path_of(key)))
            for key in (*sections, "operations", "accounts")
        )

    def organisation_title(self, name: str) -> str:
        """Return an organisation's name that people read."""
        known = self.territory.organisations.get(name) if self.territory else None
        return known.title if known else name


def _path_of(section: str) -> str:
    return _PATHS.get(section, f"/{section}")


def shell_of(request: PageRequest) -> Shell:
    """Return the surroundings found so far."""
    found = request.state.get("shell")
    return found if isinstance(found, Shell) else Shell(language_of(request), request.url.path)


async def visitor_shell(
    request: PageRequest, territory: NamedDependency[TerritoryService]
) -> Shell:
    """Surround a page that anybody may open."""
    held = await territory.current()
    document = held.document if held else None
    shell = Shell(language_of(request), request.url.path, territory=document)
    request.state.shell = shell
    return shell


async def signed_in_actor(
    request: PageRequest,
    rights: NamedDependency[Rights],
    territory: NamedDependency[TerritoryService],
) -> Actor:
    """Return who asks, and surround the page for them."""
    actor = await current_actor(request, rights)
    shell = await visitor_shell(request, territory)
    request.state.shell = msgspec.structs.replace(shell, actor=actor)
    return actor
