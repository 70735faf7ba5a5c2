"""What the console shows before a vote: unit costs, winners and losers by other keys."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Template

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import BeffroiError, ConflictError, InvalidInputError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.reading import bounded_whole
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.telling import told_euros
from beffroi.ledger.allocation_service import MOST_YEARS, AllocationService
from beffroi.ledger.answers import FIRST_YEAR, LAST_YEAR, Format, Year, file_answer
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.documents.explaining import reasons_of, use_note
from beffroi.ledger.documents.figures import told_price, told_unit, told_units
from beffroi.ledger.documents.model import TableFormat
from beffroi.ledger.figures import share_of_highest
from beffroi.ledger.key_simulation import KeyTrial
from beffroi.ledger.statement_service import StatementService
from beffroi.ledger.unit_costs import UnitCost, UnitRefund

_Request = Request[Any, Any, State]
_YEARS_FIELD: Final = "_years"
_LAST_MONTH_OF_VOTE: Final = 4
_LONGEST_TOLD: Final = 20
ChosenKeys = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
ChosenYear = Annotated[int | None, QueryParameter(ge=FIRST_YEAR, le=LAST_YEAR)]


class _Bar(msgspec.Struct, frozen=True):
    """Whose refund it is, and how long its bar is beside the highest."""

    title: str
    share: float


class _Told(msgspec.Struct, frozen=True):
    """A service with its money told; each refund with what it goes by."""

    service: UnitCost
    last_accounts: str
    budget: str
    forecast: str
    unit_cost: str
    refunds: tuple[tuple[_Bar, str], ...]


@get("/statements/unit-costs")
async def show_unit_costs(
    request: _Request,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
    year: ChosenYear = None,
) -> Template:
    """Show the unit costs of a year; without one, of the year whose budget is voted next."""
    today, language = statements.today, language_of(request)
    table = await AllocationService(statements).unit_costs(actor, year or voted_next(today))
    highest = max((one.refund_eur for one in table.bodies), default=Decimal(0))
    context = {
        "table": table,
        "years": sorted({table.year, *range(today.year - 1, today.year + 3)}),
        "services": [_told_service(one, language) for one in table.services],
        "totals": (
            told_euros(table.last_accounts_eur, language),
            told_euros(table.budget_eur, language),
        ),
        "bodies": [
            (
                _Bar(one.title, share_of_highest(one.refund_eur, highest)),
                told_euros(one.refund_eur, language),
            )
            for one in table.bodies
        ],
        "by_rates": ", ".join(table.payers_by_rates),
        "use_note": use_note(table, language),
        "formats": tuple(TableFormat),
    }
    return Template("ledger/unit_costs.html", context=context)


@get("/statements/unit-costs/{year:int}/{wanted:str}")
async def get_unit_costs(
    year: Year,
    wanted: Format,
    request: _Request,
    documents: NamedDependency[DocumentService],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Give the table of a year as a file."""
    made = await documents.of_unit_costs(actor, year, wanted, language_of(request))
    return file_answer(made.content, made.file.media_type, made.file.name)


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
    given = data.pop(_YEARS_FIELD, "1")
    moved = {cost: key for cost, key in data.items() if context["chosen"].get(cost) != key}
    context |= {"chosen": context["chosen"] | data, "years": given}
    try:
        trial = await AllocationService(statements).simulation(actor, moved, _count(given))
    except (ConflictError, InvalidInputError) as error:
        return Template(
            "ledger/keys.html", context=context | {"error": error}, status_code=error.status
        )
    context |= _told_trial(trial, language_of(request))
    return Template("ledger/keys.html", context=context)


KEY_PAGES: Final = (show_unit_costs, get_unit_costs, show_keys, try_keys)


def voted_next(today: date) -> int:
    """Return the year whose budget is voted next: by 15 April of that year (CGCT L1612-2)."""
    return today.year if today.month <= _LAST_MONTH_OF_VOTE else today.year + 1


def _count(text: str) -> int:
    count = bounded_whole(text, least=1, most=MOST_YEARS)
    if count is None:
        raise InvalidInputError(
            "ledger.smoothing_years", found=text[:_LONGEST_TOLD], most=MOST_YEARS
        )
    return count


async def _keys(statements: StatementService, actor: Actor) -> dict[str, Any]:
    held = await AllocationService(statements).accounts(actor)
    chosen = {name: cost.key for name, cost in held.document.costs.items()}
    error: BeffroiError | None = None
    return {
        "accounts": held.document,
        "chosen": chosen,
        "years": "1",
        "most_years": MOST_YEARS,
        "years_field": _YEARS_FIELD,
        "months": (),
        "effects": (),
        "steps": (),
        "issued": len(await statements.months(actor)),
        "error": error,
    }


def _told_trial(trial: KeyTrial, language: Language) -> dict[str, Any]:
    effects = trial.simulation.effects
    return {
        "months": trial.simulation.months,
        "effects": [
            (
                one,
                told_euros(one.before_eur, language),
                told_euros(one.after_eur, language),
                told_euros(one.change_eur, language),
            )
            for one in effects
        ],
        "steps": [
            (
                one.title,
                told_euros(one.before_eur, language),
                [told_euros(step.amounts_eur[one.body], language) for step in trial.steps],
            )
            for one in effects
        ],
    }


def _told_service(service: UnitCost, language: Language) -> _Told:
    highest = max((one.refund_eur for one in service.refunds), default=Decimal(0))
    return _Told(
        service,
        told_euros(service.last_accounts_eur, language),
        told_euros(service.budget_eur, language),
        told_units(service.forecast_units, service.unit, language),
        told_price(service.unit_cost_eur, language),
        tuple(
            (
                _Bar(one.title, share_of_highest(one.refund_eur, highest)),
                _told_refund(one, service.unit, language),
            )
            for one in service.refunds
        ),
    )


def _told_refund(refund: UnitRefund, unit: str, language: Language) -> str:
    amount = told_euros(refund.refund_eur, language)
    units = f"{told_units(refund.units, unit, language)} {told_unit(unit, language)}"
    return f"{amount} ({units}). {reasons_of(refund, language)}".strip()
