"""Register, policies, journal and persons' rights over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec.structs import replace

from beffroi.exchange.api.askers import purpose_told
from beffroi.exchange.governance.counting import CountedGroup, Counts
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.governance.journal_store import HeldAccess
from beffroi.exchange.governance.register_files import (
    ODS,
    access_rows,
    csv_file,
    ods_file,
    register_rows,
)
from beffroi.exchange.governance.rule_store import HeldPolicy, RuleKind
from beffroi.exchange.governance.service import Governance, Register
from beffroi.exchange.governance.subjects import Erasure, Subjects
from beffroi.kernel.http.api import api_router
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor

_Request = Request[Any, Any, State]
RuleName = Annotated[str, PathParameter(max_length=100, description="Key of the rule.")]
_CSV = "text/csv; charset=utf-8"


@get("/exchange/register", summary="Show the register of an organisation")
async def show_register(
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Register:
    """Answer its treatments, and the types that have none."""
    return await governance.register(actor, organisation)


@put("/exchange/register", status_code=204, summary="Keep a treatment")
async def keep_treatment(
    data: JSONBody[Treatment],
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> None:
    """Put it in the place of the one of its name."""
    await governance.put(actor, data, organisation)


@delete("/exchange/register/{name:str}", summary="Forget a treatment")
async def forget_treatment(
    name: RuleName,
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> None:
    """Take it out of the register."""
    await governance.remove(actor, RuleKind.TREATMENT, name, organisation)


@get("/exchange/register.csv", summary="Get the register as CSV")
async def register_csv(
    request: _Request,
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Answer a file with the fields of the CNIL's register."""
    register = await governance.register(actor, organisation)
    content = csv_file(register_rows(register, language_of(request)))
    return file_answer(content, _CSV, "register.csv")


@get("/exchange/register.ods", summary="Get the register as an OpenDocument spreadsheet")
async def register_ods(
    request: _Request,
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Answer a file with the fields of the CNIL's register."""
    register = await governance.register(actor, organisation)
    content = ods_file(register_rows(register, language_of(request)), "register")
    return file_answer(content, ODS, "register.ods")


@get("/exchange/policies", summary="List the policies of an organisation")
async def list_policies(
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Sequence[HeldPolicy]:
    """Answer them by name."""
    return await governance.policies(actor, organisation)


@put("/exchange/policies", status_code=204, summary="Keep a policy")
async def keep_policy(
    data: JSONBody[Policy],
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> None:
    """Put it in the place of the one of its name."""
    await governance.put(actor, data, organisation)


@delete("/exchange/policies/{name:str}", summary="Forget a policy")
async def forget_policy(
    name: RuleName,
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> None:
    """Let nobody see by it any more."""
    await governance.remove(actor, RuleKind.POLICY, name, organisation)


@get("/exchange/accesses", summary="List who read personal data, the last first")
async def list_accesses(
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
    before: FromQuery[int | None] = None,
) -> Sequence[HeldAccess]:
    """Answer 200 at most, those before one that was seen."""
    return await governance.accesses(actor, organisation, before)


@get("/exchange/accesses.csv", summary="Get the journal of accesses as CSV")
async def accesses_csv(
    request: _Request,
    governance: NamedDependency[Governance],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Answer the last 10,000."""
    found = await governance.all_accesses(actor, organisation)
    content = csv_file(access_rows(found, language_of(request)))
    return file_answer(content, _CSV, "accesses.csv")


@get("/exchange/counts", summary="Count entities that are given as counts alone")
async def count_groups(
    request: _Request,
    counts: NamedDependency[Counts],
    actor: NamedDependency[Actor],
    tenant: FromQuery[str] = "",
) -> Sequence[CountedGroup]:
    """Answer groups by type and scope; small ones are left out."""
    purpose = purpose_told(request.headers.get("beffroi-purpose", "").encode("latin-1"))
    return await counts.groups(replace(actor, purpose=purpose), tenant)


@get("/exchange/subjects/export", summary="Hand over what is held about a person")
async def export_subject(
    subjects: NamedDependency[Subjects],
    actor: NamedDependency[Actor],
    id: FromQuery[str],  # noqa: A002
) -> Response[bytes]:
    """Answer a ZIP archive of JSON files."""
    content = await subjects.export(actor, id)
    return file_answer(content, "application/zip", "subject.zip")


@delete("/exchange/subjects", status_code=200, summary="Erase a person")
async def erase_subject(
    subjects: NamedDependency[Subjects],
    actor: NamedDependency[Actor],
    id: FromQuery[str],  # noqa: A002
) -> Erasure:
    """Answer how much was erased, and where the identifier still stands."""
    return await subjects.erase(actor, id)


def file_answer(content: bytes, media_type: str, name: str) -> Response[bytes]:
    """Answer a file that browsers keep under its name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def router() -> Router:
    """Return the routes of governance."""
    return api_router(
        "exchange",
        show_register,
        keep_treatment,
        forget_treatment,
        register_csv,
        register_ods,
        list_policies,
        keep_policy,
        forget_policy,
        list_accesses,
        accesses_csv,
        count_groups,
        export_subject,
        erase_subject,
    )
