"""The page of the organisations."""

from collections import Counter, defaultdict

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from beffroi.app.console.shell import PageRequest, shell_of
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.rights.service import Rights


@get("/organisations")
async def list_organisations(
    request: PageRequest, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> Template:
    """Show the organisations that the actor may read, with their applications and accounts."""
    territory = shell_of(request).territory
    accounts = defaultdict(list)
    for account in await rights.accounts(actor):
        accounts[account.organisation].append(account)
    declared = territory.organisations.values() if territory else ()
    owned = territory.applications.values() if territory else ()
    context = {
        "organisations": [one for one in declared if actor.may(Permission.READ, one.name)],
        "applications": Counter(one.organisation for one in owned),
        "accounts": accounts,
    }
    return Template("console/organisations.html", context=context)
