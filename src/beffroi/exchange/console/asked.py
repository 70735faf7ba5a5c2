"""Who looks at a page of the exchange, and in which language."""

from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, PathParameter

from beffroi.exchange.viewing.figures import Addresses, short
from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor

PageRequest = Request[Any, Any, State]
TypeName = Annotated[str, PathParameter(max_length=3_000, description="Short, or an IRI.")]
EntityId = Annotated[str, PathParameter(max_length=6_000, description="Of an entity.")]


class Asking(msgspec.Struct, frozen=True):
    """Who looks, in which language, under which tenant."""

    actor: Actor
    language: Language
    tenant: str

    @property
    def addresses(self) -> Addresses:
        """Return where the pages of the tenant are."""
        return Addresses(self.tenant)

    @property
    def context(self) -> dict[str, Any]:
        """Return what every page of the exchange is rendered with."""
        return {"tenant": self.tenant, "addresses": self.addresses, "short": short}


async def asked(
    request: PageRequest, actor: NamedDependency[Actor], tenant: FromQuery[str] = ""
) -> Asking:
    """Read who looks from a request."""
    return Asking(actor, language_of(request), tenant)
