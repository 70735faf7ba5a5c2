"""What the console offers of the ledger: parse, call one verb, render."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError, ConflictError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.telling import told_euros, told_figure
from beffroi.ledger.answers import Kind, Number, file_answer
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.figures import month_bars, use_by_organisation, week_of_use
from beffroi.ledger.issuing import month_due
from beffroi.ledger.key_pages import KEY_PAGES
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import Statement, UsageUnit
from beffroi.ledger.months import month_named
from beffroi.ledger.statement_service import StatementService

_Request = Request[Any, Any, State]
_SHOWN = 24
_UNREAD = ("ledger.last_reading_missing", "ledger.meters_never_read")
_UNITS = (
    *(UsageUnit.CPU_CORE_H, UsageUnit.MEMORY_GIB_H, UsageUnit.STORAGE_GIB_H),
    *(UsageUnit.TRAFFIC_GIB, UsageUnit.ENERGY_MARGINAL_KWH, UsageUnit.ENERGY_IDLE_KWH),
)
_WEEKS = 4
MonthName = Annotated[str, PathParameter(max_length=7, description="Such as 2026-10.")]


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
            "unread": error is not None and error.code in _UNREAD,
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
        """Return the month to issue next, if there is one."""
        if await self._statements.accounts(self._actor) is None:
            return None
        months = await self._statements.months(self._actor)
        newest = months[0].month if months else None
        return month_due(self._statements.today, newest)


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
    without_last_reading: FromQuery[bool] = False,  # noqa: FBT002 - how litestar names it
) -> Response[bytes] | Redirect:
    """Issue a month; lead to its statements."""
    try:
        await statements.issue(actor, month_named(month), without_last_reading=without_last_reading)
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
    hours = await metering.total_by_hour(actor.scope, since, until)
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
            *KEY_PAGES,
        ],
        dependencies={"statements_page": Provide(_statements_page)},
    )
