"""What the console offers of the ledger: parse, call one verb, render."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError, ConflictError, NotFoundError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.telling import told_euros, told_figure
from beffroi.ledger.answers import Kind, Number, file_answer
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.figures import month_bars, use_by_organisation, week_of_use
from beffroi.ledger.key_simulation import simulated, with_cost_keys
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import Accounts, Statement, UsageUnit
from beffroi.ledger.months import month_named, month_of
from beffroi.ledger.statement_service import StatementService

_Request = Request[Any, Any, State]
_SHOWN = 24
_UNITS = (
    *(UsageUnit.CPU_CORE_H, UsageUnit.MEMORY_GIB_H, UsageUnit.STORAGE_GIB_H),
    *(UsageUnit.TRAFFIC_GIB, UsageUnit.ENERGY_MARGINAL_KWH, UsageUnit.ENERGY_IDLE_KWH),
)
_WEEKS = 4
_MONTHS_SIMULATED = 12
MonthName = Annotated[str, PathParameter(max_length=7, description="Such as 2026-10.")]
ChosenKeys = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class StatementsPage:
    """The statements that one actor sees."""

    def __init__(self, request: _Request, actor: Actor, statements: StatementService) -> None:
        self._language = language_of(request)
        self._actor = actor
        self._statements = statements
        self._runs = actor.may(Permission.RUN_PLATFORM, "")

    async def shown(self, before: str = "", error: BeffroiError | None = None) -> Template:
        """Return the list, with what an order led to."""
        found = await self._statements.statements(self._actor, None, before or None)
        shown = found[:_SHOWN]
        newest = [one for one in found if one.month == found[0].month]
        due = await self._due() if self._runs else None
        context = {
            "statements": shown,
            "amounts": {one.number: told_euros(one.net_eur, self._language) for one in found},
            "bars": [(one, told_euros(one.net_eur, self._language)) for one in month_bars(newest)],
            "newest_month": found[0].month if found else None,
            "due": due,
            "runs": self._runs,
            "before": before,
            "older": shown[-1].number if len(found) > len(shown) else None,
            "error": error,
        }
        return Template(
            "ledger/statements.html",
            context=context,
            status_code=200 if error is None else error.status,
        )

    async def _due(self) -> date | None:
        """Return the month to issue next: the one before this, unless it was issued."""
        if await self._statements.accounts(self._actor) is None:
            return None
        today = month_of(SystemClock().now().date()).since
        last = (today - timedelta(days=1)).replace(day=1)
        months = await self._statements.months(self._actor)
        return None if any(one.month >= last for one in months) else last


async def _statements_page(
    request: _Request,
    actor: NamedDependency[Actor],
    statements: NamedDependency[StatementService],
) -> StatementsPage:
    return StatementsPage(request, actor, statements)


@get("/statements")
async def show_statements(
    statements_page: NamedDependency[StatementsPage], before: FromQuery[str] = ""
) -> Template:
    """Show issued statements, the newest first, and the month that is due."""
    return await statements_page.shown(before)


@get("/statements/months/{month:str}/draft")
async def show_draft(
    month: MonthName,
    request: _Request,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show what a month's statements would be now."""
    language = language_of(request)
    day = month_named(month)
    drafts = await statements.draft(actor, day)
    context = {
        "month_day": day,
        "bars": [(one, told_euros(one.net_eur, language)) for one in month_bars(drafts)],
        "total": told_euros(sum((one.net_eur for one in drafts), Decimal(0)), language),
        "drafts": [(one, _lines(one, language)) for one in drafts],
    }
    return Template("ledger/draft.html", context=context)


@post("/statements/months/{month:str}/issue", status_code=200)
async def issue_month(
    month: MonthName,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
    statements_page: NamedDependency[StatementsPage],
) -> Response[bytes] | Redirect:
    """Issue a month; lead to its statements."""
    try:
        await statements.issue(actor, month_named(month))
    except ConflictError as error:
        return await statements_page.shown("", error)
    return Redirect("/statements", status_code=303)


@get("/statements/{number:str}")
async def show_statement(
    number: Number,
    request: _Request,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show a statement, explained line by line, and whether its records give it again."""
    language = language_of(request)
    found = await statements.statement(actor, number)
    context = {
        "statement": found,
        "net": told_euros(found.net_eur, language),
        "lines": _lines(found, language),
        "notes": [explained(one, language) for one in found.notes],
        "uses": [
            (one.unit, told_figure(float(one.quantity), language))
            for one in use_by_organisation(found.usage, _UNITS)
            if one.quantity
        ],
        "differences": await statements.replay(actor, number),
        "corrections": [
            (one, told_euros(one.amount_eur, language))
            for one in await statements.corrections(actor, number)
        ],
    }
    return Template("ledger/statement.html", context=context)


@get("/statements/{number:str}/documents/{kind:str}")
async def get_document(
    number: Number,
    kind: Kind,
    request: _Request,
    documents: NamedDependency[DocumentService],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Give a statement's PDF or its invoice."""
    made = await documents.of_statement(actor, number, kind, language_of(request))
    return file_answer(made.content, made.file.media_type, made.file.name)


@get("/usage")
async def show_usage(
    request: _Request,
    metering: NamedDependency[MeteringService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show what the actor's organisations used in the last four weeks, hour by hour."""
    language = language_of(request)
    until = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(weeks=_WEEKS)
    usage = await metering.usage(actor.scope, since, until)
    hours = await metering.usage_by_hour(actor.scope, since, until)
    week = week_of_use(hours, UsageUnit.CPU_CORE_H)
    owned = [one for one in usage if one.organisation]
    context = {
        "since": since,
        "until": until,
        "week": week,
        "busiest": told_figure(float(week.busiest), language),
        "uses": [
            (one, told_figure(float(one.quantity), language))
            for one in use_by_organisation(owned, _UNITS)
            if one.quantity
        ],
        "applications": [(one, _quantities(one.quantities, language)) for one in owned],
        "units": _UNITS,
    }
    return Template("ledger/usage.html", context=context)


@get("/statements/keys")
async def show_keys(
    statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> Template:
    """Show which key each cost goes by, and the form that tries others."""
    return Template("ledger/keys.html", context=await _keys(statements, actor))


@post("/statements/keys", status_code=200)
async def try_keys(
    data: ChosenKeys,
    request: _Request,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show who would win and who would lose by other keys; change nothing."""
    context = await _keys(statements, actor)
    accounts: Accounts = context["accounts"]
    chosen = {
        name: key for name, key in data.items() if name in accounts.costs and key in accounts.keys
    }
    months = [one.month for one in (await statements.months(actor))[:_MONTHS_SIMULATED]]
    records = [await statements.records(actor, month) for month in reversed(months)]
    language = language_of(request)
    simulation = simulated(records, with_cost_keys(accounts, chosen))
    context |= {
        "chosen": chosen,
        "months": simulation.months,
        "effects": [
            (
                one,
                told_euros(one.before_eur, language),
                told_euros(one.after_eur, language),
                told_euros(one.change_eur, language),
            )
            for one in simulation.effects
        ],
    }
    return Template("ledger/keys.html", context=context)


class _Line(msgspec.Struct, frozen=True):
    """A line with its money and its explanation told."""

    number: int
    title: str
    account: str
    amount: str
    share: float
    told: str


def _lines(statement: Statement, language: Language) -> list[_Line]:
    most = max((abs(one.amount_eur) for one in statement.lines), default=Decimal(0)) or Decimal(1)
    return [
        _Line(
            one.number,
            one.title,
            one.account,
            told_euros(one.amount_eur, language),
            float(abs(one.amount_eur) / most),
            explained(one.explanation, language),
        )
        for one in statement.lines
    ]


def _quantities(quantities: Mapping[UsageUnit, Decimal], language: Language) -> list[str]:
    return [told_figure(float(quantities.get(unit, Decimal(0))), language) for unit in _UNITS]


async def _keys(statements: StatementService, actor: Actor) -> dict[str, Any]:
    held = await statements.accounts(actor)
    if held is None:
        raise NotFoundError("ledger.no_accounts")
    issued = await statements.months(actor)
    chosen = {name: cost.key for name, cost in held.document.costs.items()}
    return {
        "accounts": held.document,
        "chosen": chosen,
        "months": (),
        "effects": (),
        "issued": len(issued),
    }


def router() -> Router:
    """Return the pages of the ledger."""
    return Router(
        path="/",
        route_handlers=[
            show_statements,
            show_draft,
            issue_month,
            show_statement,
            get_document,
            show_usage,
            show_keys,
            try_keys,
        ],
        dependencies={"statements_page": Provide(_statements_page)},
    )
