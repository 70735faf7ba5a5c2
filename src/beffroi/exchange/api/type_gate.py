"""The parameter "type" where the id is known: the entity has to be of it too.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.17 and 5.6.
"""

from collections.abc import Callable

from beffroi.exchange.api.requests import Request
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.type_selection import types_asked
from beffroi.exchange.representation.changing import Changed

Change = Callable[[Entity], Changed]


def refuse_other_types(request: Request, context: Context) -> Callable[[Entity], None]:
    """Return what refuses an entity that is not of the type asked for."""
    selection = request.parameters.get("type")
    if selection is None:
        return lambda _: None
    wanted = types_asked(selection, context).wanted

    def refuse(entity: Entity) -> None:
        if not wanted(entity):
            raise ResourceNotFoundError("exchange.entity_unknown", id=entity.id)

    return refuse


def gated(request: Request, context: Context, change: Change) -> Change:
    """Return the change, for entities of the type asked for alone."""
    if "type" not in request.parameters:
        return change
    refuse = refuse_other_types(request, context)

    def changed(entity: Entity) -> Changed:
        refuse(entity)
        return change(entity)

    return changed
