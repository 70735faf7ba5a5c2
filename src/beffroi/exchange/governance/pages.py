"""What the console offers of governance: parse, call one verb, render."""

from typing import Any, Final

import msgspec
from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance.service import Governance
from beffroi.exchange.viewing.figures import Addresses, short
from beffroi.kernel.rights.model import Actor, Permission

_Request = Request[Any, Any, State]
_JOURNAL_ROWS: Final = 25
_IDS_SHOWN: Final = 3
_ROWS_MOST: Final = 40


class Owner(msgspec.Struct, frozen=True):
    """Whose rules a page is about."""

    actor: Actor
    organisation: str

    @property
    def decides(self) -> bool:
        """Tell whether the actor answers for them."""
        return self.actor.may(Permission.HOST, self.organisation)

    def of(self, path: str, **parameters: object) -> str:
        """Return the address of a page about the same organisation."""
        own = self.organisation == self.actor.organisation
        told = {} if own else {"organisation": self.organisation}
        return Addresses("").of(path, **told, **parameters)


def _context(owner: Owner, page: str) -> dict[str, Any]:
    return {
        "owner": owner,
        "page": page,
        "short": short,
        "expand": CORE.expand,
        "addresses": Addresses(""),
        "rows_most": _ROWS_MOST,
    }


def _owner(actor: Actor, organisation: str | None) -> Owner:
    return Owner(actor, actor.organisation if organisation is None else organisation)


@get("/exchange/register")
async def show_register(
    actor: NamedDependency[Actor],
    governance: NamedDependency[Governance],
    organisation: FromQuery[str | None] = None,
) -> Template:
    """Show why types are kept, and which types nobody says it of."""
    owner = _owner(actor, organisation)
    register = await governance.register(actor, owner.organisation)
    context = _context(owner, "register") | {"register": register}
    return Template("exchange/register.html", context=context)


@get("/exchange/policies")
async def show_policies(
    actor: NamedDependency[Actor],
    governance: NamedDependency[Governance],
    organisation: FromQuery[str | None] = None,
) -> Template:
    """Show who may see what."""
    owner = _owner(actor, organisation)
    policies = await governance.policies(actor, owner.organisation)
    context = _context(owner, "policies") | {"policies": policies}
    return Template("exchange/policies.html", context=context)


@get("/exchange/journal")
async def show_journal(
    actor: NamedDependency[Actor],
    governance: NamedDependency[Governance],
    organisation: FromQuery[str | None] = None,
    before: FromQuery[int | None] = None,
) -> Template:
    """Show who read personal data."""
    owner = _owner(actor, organisation)
    found = await governance.accesses(actor, owner.organisation, before)
    shown = found[:_JOURNAL_ROWS]
    older = shown[-1].number if len(found) > _JOURNAL_ROWS else None
    context = _context(owner, "journal") | {
        "accesses": shown,
        "older": older,
        "ids_shown": _IDS_SHOWN,
    }
    return Template("exchange/journal.html", context=context)


def router() -> Router:
    """Return the pages of governance."""
    return Router(path="/", route_handlers=[show_register, show_policies, show_journal])
