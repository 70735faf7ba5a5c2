"""What the console offers of delivery: parse, call one verb, render."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Template

from beffroi.delivery.page_model import PurgeKind, PurgeOrder
from beffroi.delivery.page_service import PageStore
from beffroi.delivery.recent_results import RecentResults
from beffroi.delivery.result_figures import (
    day_plots,
    day_rows,
    figure_rows,
    site_rows,
    summary_of,
)
from beffroi.delivery.result_pages import WELL_KNOWN
from beffroi.delivery.results_service import ResultsService
from beffroi.delivery.service import DeliveryService
from beffroi.delivery.weight_report import WeighedPage, WeightReport
from beffroi.delivery.weight_service import WeightReports
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError, NotFoundError
from beffroi.kernel.http.api import Name
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.telling import told_figure
from beffroi.territory.model import Organisation
from beffroi.territory.service import TerritoryService

_MEDIA_TYPE = "application/x-x509-ca-cert"
_VALUE_MAX_LENGTH = 2048
_DAYS_SHOWN = 7
_PURGES_SHOWN = 8
_HEAVIEST_SHOWN = 5
_THIRD_PARTIES_SHOWN = 8
_SITES_SHOWN = 10
_Request = Request[Any, Any, State]


class WantedPurge(msgspec.Struct, frozen=True):
    """Which pages to forget."""

    kind: PurgeKind = PurgeKind.URL
    value: str = ""


PurgeForm = Annotated[WantedPurge, Body(media_type=RequestEncodingType.URL_ENCODED)]


class ResultsSources(msgspec.Struct, frozen=True):
    """Where figures and addresses come from."""

    results: ResultsService
    recent: RecentResults
    delivery: DeliveryService

    def public_url(self, host: str) -> str:
        """Return where everyone reads a site's results."""
        return self.delivery.site_url(host).rstrip("/") + WELL_KNOWN


class StoredPagesPage:
    """The stored pages of one application, as one actor sees them."""

    def __init__(
        self,
        request: _Request,
        actor: Actor,
        page_store: PageStore,
        weight: WeightReports,
        sources: ResultsSources,
    ) -> None:
        self._language = language_of(request)
        self._actor = actor
        self._page_store = page_store
        self._weight = weight
        self._sources = sources

    async def shown(
        self, name: str, given: WantedPurge | None = None, error: BeffroiError | None = None
    ) -> Template:
        """Return the page, with what a form led to."""
        stored = await self._page_store.stored(self._actor, name)
        site = await self._sources.recent.site(self._sources.results, self._actor, name)
        days = site.days[-_DAYS_SHOWN:]
        report = await self._weight.find(self._actor, name)
        context = {
            "stored": stored,
            "purges": stored.purges[:_PURGES_SHOWN],
            "site": site,
            "url": self._sources.delivery.site_url(site.host),
            "may_host": self._actor.may(Permission.HOST, site.organisation),
            "kinds": (PurgeKind.URL, PurgeKind.PREFIX, PurgeKind.TAG),
            "given": given or WantedPurge(),
            "days": day_rows(days, self._language),
            "requests": [told_figure(one.parts.counts.requests, self._language) for one in days],
            "report": report,
            "heaviest": self._heaviest(report),
            "third_parties_shown": _THIRD_PARTIES_SHOWN,
            "language": self._language,
            "error": error,
        }
        return Template(
            "delivery/stored_pages.html",
            context=context,
            status_code=200 if error is None else error.status,
        )

    def _heaviest(self, report: WeightReport | None) -> list[tuple[str, str, WeighedPage]]:
        """Return the heaviest pages, each with its address and what is shown of that."""
        figures = None if report is None else report.figures
        shown = () if figures is None else figures.heaviest[:_HEAVIEST_SHOWN]
        parted = [(one.address.partition("/"), one) for one in shown]
        return [
            (self._sources.delivery.site_url(host) + rest, unquote(slash + rest), one)
            for (host, slash, rest), one in parted
        ]


async def _stored_pages_page(
    request: _Request,
    actor: NamedDependency[Actor],
    page_store: NamedDependency[PageStore],
    weight: NamedDependency[WeightReports],
    sources: NamedDependency[ResultsSources],
) -> StoredPagesPage:
    return StoredPagesPage(request, actor, page_store, weight, sources)


@get("/authority.crt")
async def authority_certificate(
    delivery: NamedDependency[DeliveryService],
    actor: NamedDependency[Actor],  # noqa: ARG001 - somebody is signed in
) -> Response[str]:
    """Answer the certificate that people install to trust local addresses."""
    return Response(
        await delivery.authority_certificate(),
        media_type=_MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="beffroi-authority.crt"'},
    )


@get("/applications/{name:str}/pages")
async def show_stored_pages(name: Name, stored_pages: NamedDependency[StoredPagesPage]) -> Template:
    """Show what is stored of an application, what was purged, and what its pages weigh."""
    return await stored_pages.shown(name)


@post("/applications/{name:str}/purge", status_code=200)
async def purge_pages(
    name: Name,
    data: PurgeForm,
    page_store: NamedDependency[PageStore],
    actor: NamedDependency[Actor],
    stored_pages: NamedDependency[StoredPagesPage],
) -> Response[bytes] | Redirect:
    """Forget one page, a prefix or a tag; lead to the purge in the list."""
    order = PurgeOrder(data.kind, data.value.strip()[:_VALUE_MAX_LENGTH])
    return await _purged(name, order, page_store, actor, stored_pages, data)


@post("/applications/{name:str}/purge-all", status_code=200)
async def purge_site(
    name: Name,
    page_store: NamedDependency[PageStore],
    actor: NamedDependency[Actor],
    stored_pages: NamedDependency[StoredPagesPage],
) -> Response[bytes] | Redirect:
    """Forget all pages; lead to the purge in the list."""
    return await _purged(name, PurgeOrder(PurgeKind.SITE), page_store, actor, stored_pages)


@get("/resultats")
async def show_results(
    request: _Request,
    actor: NamedDependency[Actor],
    territory: NamedDependency[TerritoryService],
    sources: NamedDependency[ResultsSources],
    organisation: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Template:
    """Show an organisation's results and its sites', those that follow the last one seen."""
    held = await territory.current()
    declared: Sequence[Organisation] = tuple(held.document.organisations.values()) if held else ()
    readable = [one for one in declared if actor.may(Permission.READ, one.name)]
    names = [one.name for one in readable]
    if organisation or not names:
        chosen = organisation
    else:
        chosen = actor.organisation if actor.organisation in names else names[0]
    if not chosen:
        raise NotFoundError("kernel.page_unknown")
    found = await sources.recent.organisation(sources.results, actor, chosen)
    following = [site for site in found.sites if site.application > after]
    shown = following[:_SITES_SHOWN]
    language = language_of(request)
    context = {
        "organisations": readable,
        "chosen": chosen,
        "period": found.period,
        "summary": summary_of(found.results, language),
        "rows": figure_rows(found.results, language),
        "sites": site_rows(shown, language),
        "public": {site.application: sources.public_url(site.host) for site in shown},
        "after": after,
        "next": shown[-1].application if len(following) > len(shown) else None,
    }
    return Template("delivery/results.html", context=context)


@get("/resultats/{name:str}")
async def show_site_results(
    name: Name,
    request: _Request,
    actor: NamedDependency[Actor],
    sources: NamedDependency[ResultsSources],
) -> Template:
    """Show one site's results, day by day."""
    site = await sources.recent.site(sources.results, actor, name)
    language = language_of(request)
    context = {
        "site": site,
        "period": site.period,
        "summary": summary_of(site.results, language),
        "rows": figure_rows(site.results, language),
        "plots": day_plots(site.days, language),
        "days": day_rows(site.days, language),
        "public_url": sources.public_url(site.host),
    }
    return Template("delivery/site_results.html", context=context)


def router() -> Router:
    """Return the pages and files of delivery."""
    recent = RecentResults(SystemClock())
    return Router(
        path="/",
        route_handlers=[
            authority_certificate,
            show_stored_pages,
            purge_pages,
            purge_site,
            show_results,
            show_site_results,
        ],
        dependencies={
            "recent": Provide(lambda: recent, sync_to_thread=False),
            "sources": Provide(_results_sources, sync_to_thread=False),
            "stored_pages": Provide(_stored_pages_page),
        },
    )


def _results_sources(
    results: NamedDependency[ResultsService],
    recent: NamedDependency[RecentResults],
    delivery: NamedDependency[DeliveryService],
) -> ResultsSources:
    return ResultsSources(results, recent, delivery)


async def _purged(
    name: str,
    order: PurgeOrder,
    page_store: PageStore,
    actor: Actor,
    page: StoredPagesPage,
    given: WantedPurge | None = None,
) -> Response[bytes] | Redirect:
    try:
        await page_store.purge(actor, name, order)
    except NotFoundError:
        raise
    except BeffroiError as error:
        return await page.shown(name, given, error)
    return Redirect(f"/applications/{name}/pages#purges", status_code=303)
