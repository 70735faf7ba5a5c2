"""Delivery over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence

from litestar import MediaType, Router, get
from litestar.di import NamedDependency

from beffroi.delivery.service import DeliveryService, PublishedSite
from beffroi.kernel.http.api import api_router
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


def router() -> Router:
    """Return every route of delivery."""
    return api_router("delivery", list_sites, show_authority, show_console_address)
