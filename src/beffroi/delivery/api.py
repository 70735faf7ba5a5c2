"""Delivery over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence

from litestar import MediaType, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from beffroi.delivery.page_model import PurgeAnswer, PurgeOrder, StoredPages
from beffroi.delivery.page_service import PageStore
from beffroi.delivery.service import DeliveryService, PublishedSite
from beffroi.delivery.weight_report import WeightReport
from beffroi.delivery.weight_service import WeightReports
from beffroi.kernel.http.api import Name, api_router
from beffroi.kernel.rights.model import Actor


@get("/sites", summary="List the sites with their addresses and certificates")
async def list_sites(
    delivery: NamedDependency[DeliveryService], actor: NamedDependency[Actor]
) -> Sequence[PublishedSite]:
    """Answer the sites that the asker may see."""
    return await delivery.sites(actor)


@get("/authority", media_type=MediaType.TEXT, summary="Get the local authority's certificate")
async def show_authority(delivery: NamedDependency[DeliveryService]) -> str:
    """Answer it as PEM; it is no secret."""
    return await delivery.authority_certificate()


@get("/console-address", media_type=MediaType.TEXT, summary="Get the console's address")
async def show_console_address(delivery: NamedDependency[DeliveryService]) -> str:
    """Answer it, with a final slash."""
    return delivery.console_url()


@get("/sites/{name:str}/pages", summary="Tell how much of a site is stored")
async def show_pages(
    name: Name, page_store: NamedDependency[PageStore], actor: NamedDependency[Actor]
) -> StoredPages:
    """Answer the room that stored pages take, and the newest purges."""
    return await page_store.stored(actor, name)


@post("/sites/{name:str}/purge", status_code=200, summary="Forget stored pages of a site")
async def purge_pages(
    name: Name,
    data: JSONBody[PurgeOrder],
    page_store: NamedDependency[PageStore],
    actor: NamedDependency[Actor],
) -> PurgeAnswer:
    """Answer once no stale page is shown any more."""
    return await page_store.purge(actor, name, data)


@get("/sites/{name:str}/weight", summary="Tell what the pages of a site weigh")
async def show_weight(
    name: Name, weight: NamedDependency[WeightReports], actor: NamedDependency[Actor]
) -> WeightReport:
    """Answer the last weekly report."""
    return await weight.newest(actor, name)


def router() -> Router:
    """Return every route of delivery."""
    return api_router(
        "delivery",
        list_sites,
        show_authority,
        show_console_address,
        show_pages,
        purge_pages,
        show_weight,
    )
