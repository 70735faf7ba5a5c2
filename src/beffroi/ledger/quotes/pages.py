"""What the console offers of quotes: parse, call one verb, render."""

from decimal import Decimal
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, PathParameter
from litestar.response import Redirect, Template

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.telling import told_euros
from beffroi.ledger.answers import file_answer
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import told_price
from beffroi.ledger.model import CostNature
from beffroi.ledger.months import PARIS
from beffroi.ledger.quotes.form import ROWS, QuoteForm, needs_of_form
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import HostsBought, ServiceLevel
from beffroi.ledger.quotes.service import DOCUMENTS, QuoteDocuments, QuoteService
from beffroi.ledger.quotes.wording import (
    designation_of,
    part_title,
    quantity_of,
    told_change,
    told_placement,
    unit_of,
)

_Request = Request[Any, Any, State]
_MEDIA = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
QuoteId = Annotated[str, PathParameter(max_length=18, description="Which quote.")]
DocumentName = Annotated[str, PathParameter(max_length=10, description="Which document.")]
GivenNeeds = Annotated[QuoteForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/quotes")
async def show_quotes(
    request: _Request, quotes: NamedDependency[QuoteService], actor: NamedDependency[Actor]
) -> Template:
    """Show the quotes, and the form that asks for another."""
    return await _page(request, quotes, actor)


@post("/quotes", status_code=200)
async def ask_quote(
    data: GivenNeeds,
    request: _Request,
    quotes: NamedDependency[QuoteService],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin a quote; lead to its operation."""
    try:
        needs = needs_of_form(data, SystemClock().now().astimezone(PARIS).date())
        operation = await quotes.ask(actor, data.plan, needs)
    except InvalidInputError as error:
        return await _page(request, quotes, actor, data, error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@get("/quotes/{quote_id:str}")
async def show_quote(
    quote_id: QuoteId,
    request: _Request,
    quotes: NamedDependency[QuoteService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show a quote: what it costs, what is offered, what that changes for all."""
    kept = await quotes.quote(actor, quote_id)
    quote, language = kept.quote, language_of(request)
    context = {
        "summary": kept.summary,
        "quote": quote,
        "prices": _prices(quote, language),
        "lines": [
            (
                designation_of(one, language),
                unit_of(one, language),
                quantity_of(one, language),
                told_price(one.unit_price_eur, language),
                "" if one.quantity is None else told_euros(one.amount_eur, language),
            )
            for one in quote.lines
        ],
        "parts": [
            (
                part_title(one, language),
                told_euros(one.yearly_eur, language),
                explained(one.explanation, language),
            )
            for one in quote.costs.full
        ],
        "relief": [
            (
                one.title,
                told_euros(one.before_eur, language),
                told_euros(one.after_eur, language),
                told_euros(one.relief_eur, language),
            )
            for one in quote.relief.bodies
        ],
        "change": told_change(quote.change, language) if quote.change else "",
        "placement": told_placement(quote.placement, language),
        "warnings": [explained(one, language) for one in quote.warnings],
        "documents": DOCUMENTS,
    }
    return Template("ledger/quote.html", context=context)


@get("/quotes/{quote_id:str}/documents/{name:str}")
async def get_quote_document(
    quote_id: QuoteId,
    name: DocumentName,
    request: _Request,
    quote_documents: NamedDependency[QuoteDocuments],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Give one of a quote's documents."""
    file, content = await quote_documents.document(actor, quote_id, name, language_of(request))
    return file_answer(content, _MEDIA[file.rpartition(".")[2]], file)


def router() -> Router:
    """Return the pages of quotes."""
    return Router(path="/", route_handlers=[show_quotes, ask_quote, show_quote, get_quote_document])


def _prices(quote: Quote, language: Language) -> list[tuple[str, str, float]]:
    """Tell what bounds a year's price, the price, and what is paid today, beside the highest."""
    prices = {
        "floor": quote.costs.floor_eur,
        "full": quote.costs.full_eur,
        "offered": quote.totals.year.net_eur,
    }
    if quote.change is not None:
        prices["present"] = quote.change.present_eur
    most = max(prices.values()) or Decimal(1)
    return [(key, told_euros(eur, language), float(eur / most)) for key, eur in prices.items()]


async def _page(
    request: _Request,
    quotes: QuoteService,
    actor: Actor,
    given: QuoteForm | None = None,
    error: BeffroiError | None = None,
) -> Template:
    language = language_of(request)
    costs = (await quotes.accounts(actor)).costs.values()
    context = {
        "quotes": [
            (one, told_euros(one.yearly_eur, language, cents=False))
            for one in await quotes.quotes(actor)
        ],
        "plans": await quotes.plans(actor),
        "hosts_costs": [one for one in costs if one.nature is CostNature.AMORTISATION],
        "upkeep_costs": [one for one in costs if one.nature is CostNature.YEARLY],
        "bought": tuple(HostsBought),
        "levels": tuple(ServiceLevel),
        "rows": range(ROWS),
        "given": given or QuoteForm(),
        "error": error,
    }
    return Template(
        "ledger/quotes.html", context=context, status_code=200 if error is None else error.status
    )
