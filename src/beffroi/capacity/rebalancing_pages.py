"""What the console offers of rebalancing: parse, call one verb, render."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.capacity.rebalancing_figures import HEIGHT, hosts_shown, load_pictures
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.rebalancing_told import (
    HUNDREDTH_OF_HOST,
    broken_rules,
    told_costs,
    told_headline,
    told_loads,
)
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.operations import Operation
from beffroi.kernel.reading import bounded_whole
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.telling import told_figure, told_share
from beffroi.kernel.units import MIB

_UPLOAD_MOST_BYTES: Final = 48 * MIB
_SHOWN: Final = 20
_HOSTS_DRAWN: Final = 60
_HOSTS_TOLD: Final = 30
_MOVES_TOLD: Final = 30
_MOVES_MOST: Final = 1_000_000
_GIVEN_TOLD: Final = 40
_Request = Request[Any, Any, State]
RebalancingId = Annotated[str, PathParameter(max_length=18, description="Which rebalancing.")]


class RebalancingForm(msgspec.Struct):
    """What a person rebalances."""

    files: list[UploadFile] = msgspec.field(default_factory=list)
    title: str = ""
    most_moves: str = ""


UploadedInventory = Annotated[RebalancingForm, Body(media_type=RequestEncodingType.MULTI_PART)]


@get("/rebalancings")
async def show_rebalancings(
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
    before: FromQuery[str] = "",
) -> Template:
    """Show the rebalancings, and the form that asks for another."""
    return await _rebalancings_page(rebalancings, actor, before)


@post("/rebalancings", status_code=200, request_max_body_size=_UPLOAD_MOST_BYTES)
async def make_rebalancing(
    data: UploadedInventory,
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin a rebalancing; lead to its operation."""
    files = {one.filename: await one.read() for one in data.files if one.filename}
    try:
        operation: Operation = await rebalancings.make_of_files(
            actor, data.title, files, _most_moves(data.most_moves)
        )
    except InvalidInputError as error:
        return await _rebalancings_page(rebalancings, actor, "", data, error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@get("/rebalancings/{rebalancing_id:str}")
async def show_rebalancing(
    rebalancing_id: RebalancingId,
    request: _Request,
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show loads before and after, the moves, and what they cost."""
    kept = await rebalancings.rebalancing(actor, rebalancing_id)
    made, language = kept.rebalancing, language_of(request)
    pictures = load_pictures(made, hosts_shown(made, _HOSTS_DRAWN))
    context = {
        "summary": kept.summary,
        "made": made,
        "headline": told_headline(made, language),
        "costs": told_costs(made.before, made.after, HUNDREDTH_OF_HOST, language),
        "pictures": [
            (
                one,
                told_share(one.highest_before, 1, language),
                told_share(one.highest_after, 1, language),
            )
            for one in pictures
        ],
        "height": HEIGHT,
        "loads": told_loads(hosts_shown(made, _HOSTS_TOLD), made.resources, language),
        "moves": made.moves[:_MOVES_TOLD],
        "copied": told_figure(made.copied_gib, language),
        "broken_before": broken_rules(made.checks_before),
        "broken_after": broken_rules(made.checks_after),
    }
    return Template("capacity/rebalancing.html", context=context)


def router() -> Router:
    """Return the pages of rebalancing."""
    return Router(path="/", route_handlers=[show_rebalancings, make_rebalancing, show_rebalancing])


def _most_moves(written: str) -> int | None:
    """Read how many moves are allowed; nothing written: no limit."""
    text = written.strip()
    if not text:
        return None
    most = bounded_whole(text, least=0, most=_MOVES_MOST)
    if most is None:
        given = text[:_GIVEN_TOLD]
        raise InvalidInputError("capacity.most_moves_invalid", given=given, most=_MOVES_MOST)
    return most


async def _rebalancings_page(
    rebalancings: RebalancingService,
    actor: Actor,
    before: str,
    asked: RebalancingForm | None = None,
    error: BeffroiError | None = None,
) -> Template:
    found = await rebalancings.rebalancings(actor, before or None)
    shown = found[:_SHOWN]
    return Template(
        "capacity/rebalancings.html",
        context={
            "rebalancings": shown,
            "before": before,
            "older": shown[-1].id if len(found) > len(shown) else None,
            "asked": asked or RebalancingForm(),
            "error": error,
        },
        status_code=200 if error is None else error.status,
    )
