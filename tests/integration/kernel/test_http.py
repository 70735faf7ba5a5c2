"""What every HTTP door shares: problems, languages, and knowing who asks."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Annotated, Any, cast

import httpx
import msgspec
import pytest
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, InternalServerException
from litestar.params import FromPath, FromQuery, JSONBody

from beffroi.kernel.database import Database
from beffroi.kernel.errors import (
    BeffroiError,
    ConflictError,
    FailedError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from beffroi.kernel.http.authentication import SESSION_COOKIE, current_actor, session_cookie
from beffroi.kernel.http.bodies import JsonRequest
from beffroi.kernel.http.problems import PROBLEM_MEDIA_TYPE, problem_response
from beffroi.kernel.nesting import DEEPEST
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret
from tests.support.clocks import ManualClock

KINDS: dict[str, type[BeffroiError]] = {
    kind.__name__: kind
    for kind in (
        InvalidInputError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        FailedError,
        UnavailableError,
    )
}


class Measure(msgspec.Struct):
    sensor: Annotated[str, msgspec.Meta(min_length=1)]
    litres: Annotated[int, msgspec.Meta(ge=0)]


@get("/raise/{kind:str}")
async def raise_kind(kind: FromPath[str]) -> None:
    raise KINDS[kind]("kernel.account_unknown", account="dupont")


@get("/bug")
async def fall_over() -> None:
    raise RuntimeError("password=hunter2")


@get("/library/{status:int}")
async def raise_status(status: FromPath[int]) -> None:
    if status == 500:
        raise InternalServerException("password=hunter2")
    raise HTTPException(status_code=status, detail="not like this")


@post("/measures")
async def take_measure(data: JSONBody[Measure]) -> Measure:
    return data


@post("/anything")
async def take_anything(data: JSONBody[dict[str, Any]]) -> int:
    return len(data)


@get("/me")
async def who_asks(actor: NamedDependency[Actor]) -> str:
    return actor.name


@post("/me")
async def change_me(actor: NamedDependency[Actor]) -> str:
    return actor.name


@get("/signed-in")
async def signed_in(lifetime_s: FromQuery[int]) -> Response[None]:
    return Response(None, cookies=[session_cookie(Secret("proof"), lifetime_s=lifetime_s)])


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return problem_response(request, error)


@pytest.fixture
async def rights(database: Database, clock: ManualClock) -> Rights:
    rights = Rights(database, clock)
    await rights.put_account(PLATFORM, "dupont", Role.MANAGER, "lomme")
    return rights


@pytest.fixture
async def client(rights: Rights) -> AsyncIterator[httpx.AsyncClient]:
    application = Litestar(
        [
            raise_kind,
            fall_over,
            raise_status,
            take_measure,
            take_anything,
            who_asks,
            change_me,
            signed_in,
        ],
        dependencies={
            "rights": Provide(lambda: rights, sync_to_thread=False),
            "actor": Provide(current_actor),
        },
        exception_handlers={Exception: _answer_error},
        request_class=JsonRequest,
    )
    transport = httpx.ASGITransport(cast("Any", application))
    async with httpx.AsyncClient(transport=transport, base_url="https://console.lomme.fr") as made:
        yield made


@pytest.fixture
async def session(rights: Rights) -> str:
    link = await rights.issue_link(PLATFORM, "dupont")
    _, proof = await rights.sign_in_by_link(link.secret)
    return proof.secret.reveal()


def _problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "remedy"} <= set(problem)
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:beffroi:error:{problem['title']}"
    return problem


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_each_kind_of_error_is_a_problem_of_its_status(
    client: httpx.AsyncClient, kind: str
) -> None:
    problem = _problem(await client.get(f"/raise/{kind}", headers={"Accept-Language": "en"}))
    assert problem["status"] == KINDS[kind].status
    assert problem["title"] == "kernel.account_unknown"
    assert problem["detail"] == "There is no account «dupont»."
    assert problem["remedy"] == "List them with «beffroi accounts»."
    assert "findings" not in problem


async def test_what_nobody_foresaw_shows_a_reference_and_nothing_else(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/bug", "/library/500"):
        caplog.clear()
        answer = await client.get(path, headers={"Accept-Language": "en"})
        problem = _problem(answer)
        assert (problem["status"], problem["title"]) == (500, "kernel.bug")
        assert "hunter2" not in answer.text
        (line,) = [one for one in caplog.messages if one.startswith("BUG in request")]
        reference = line.split("reference=")[1].split()[0]
        assert reference in problem["detail"]
        assert "hunter2" in caplog.text


async def test_an_unknown_page_and_method_are_told(client: httpx.AsyncClient) -> None:
    problem = _problem(await client.get("/nowhere"))
    assert (problem["status"], problem["title"]) == (404, "kernel.page_unknown")
    problem = _problem(await client.delete("/me", headers={"Accept-Language": "en"}))
    assert (problem["status"], problem["title"]) == (405, "kernel.method_unknown")
    assert "DELETE" in problem["detail"]


@pytest.mark.parametrize("path", ["/measures", "/anything"])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 900, 10_000])
async def test_json_that_nests_too_deep_is_told_so(
    client: httpx.AsyncClient, path: str, levels: int
) -> None:
    body = b'{"sensor": ' + b"[" * levels + b"]" * levels + b"}"

    answer = await client.post(path, content=body, headers={"Accept-Language": "en"})

    problem = _problem(answer)
    assert (problem["status"], problem["title"]) == (400, "kernel.json_too_deep")
    assert problem["detail"] == "The body of the request nests deeper than 200 levels."


async def test_json_that_nests_as_deep_as_may_be_is_taken(client: httpx.AsyncClient) -> None:
    levels = DEEPEST - 1
    body = b'{"sensor": ' + b"[" * levels + b"]" * levels + b', "unit": "[["}'

    assert (await client.post("/anything", content=body)).json() == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "truncated"),
        (b'{"sensor": "a"}', "litres"),
        (b'{"sensor": "a", "litres": -1}', "litres"),
        (b'{"sensor": "", "litres": 1}', "sensor"),
        (b"[]", "object"),
    ],
)
async def test_a_body_of_another_form_is_told_with_its_place(
    client: httpx.AsyncClient, body: bytes, reason: str
) -> None:
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    problem = _problem(await client.post("/measures", content=body, headers=headers))
    assert (problem["status"], problem["title"]) == (422, "kernel.request_invalid")
    assert reason in problem["detail"].lower()
    assert "Traceback" not in problem["detail"]


async def test_refusals_of_the_library_are_problems_too(client: httpx.AsyncClient) -> None:
    for status in (400, 413, 429):
        problem = _problem(await client.get(f"/library/{status}"))
        assert problem["title"] == "kernel.request_invalid"


@pytest.mark.parametrize(
    ("cookie", "accepted", "told"),
    [
        ("", "", "fr"),
        ("", "en", "en"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "de, en;q=0.8, fr;q=0.5", "en"),
        ("", "de,it", "fr"),
        ("en", "fr", "en"),
        ("fr", "en", "fr"),
        ("tlh", "en", "en"),
        ("", ",;=,", "fr"),
    ],
)
async def test_the_language_is_the_cookies_then_the_browsers_then_french(
    client: httpx.AsyncClient, cookie: str, accepted: str, told: str
) -> None:
    headers = {"Accept-Language": accepted}
    if cookie:
        headers["Cookie"] = f"language={cookie}"
    problem = _problem(await client.get("/nowhere", headers=headers))
    expected = {"fr": "Il n'y a rien à cette adresse.", "en": "There is nothing at this address."}
    assert problem["detail"] == expected[told]


async def test_nobody_known_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer made-up"},
        {"Authorization": "Basic ZHVwb250Og=="},
        {"Authorization": "Bearer"},
        {"Cookie": f"{SESSION_COOKIE}=made-up"},
    ):
        answer = await client.get("/me", headers=headers)
        assert _problem(answer)["title"] == "kernel.sign_in_needed"
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_session_cookie_and_a_token_tell_who_asks(
    client: httpx.AsyncClient, rights: Rights, session: str
) -> None:
    token = await rights.issue_token(Actor("dupont", Role.MANAGER, "lomme"), "script")
    for headers in (
        {"Cookie": f"{SESSION_COOKIE}={session}"},
        {"Authorization": f"Bearer {token.secret.reveal()}"},
        {"Authorization": f"bearer {token.secret.reveal()}"},
    ):
        answer = await client.get("/me", headers=headers)
        assert (answer.status_code, answer.text) == (200, "dupont")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 201),
        ("https://console.lomme.fr", 201),
        ("https://evil.example", 403),
        ("https://console.lomme.fr.evil.example", 403),
        ("https://console.lomme.fr:8443", 403),
        ("null", 403),
        ("http://[", 403),
        ("", 403),
    ],
)
async def test_a_cookie_counts_for_a_change_only_from_our_own_pages(
    client: httpx.AsyncClient, session: str, origin: str | None, status: int
) -> None:
    headers = {"Cookie": f"{SESSION_COOKIE}={session}", "Accept-Language": "en"}
    if origin is not None:
        headers["Origin"] = origin
    answer = await client.post("/me", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert _problem(answer)["title"] == "kernel.other_origin"


async def test_reading_and_tokens_are_not_bound_to_an_origin(
    client: httpx.AsyncClient, rights: Rights, session: str
) -> None:
    elsewhere = {"Origin": "https://partner.example"}
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    assert (await client.get("/me", headers=elsewhere | cookie)).status_code == 200
    token = await rights.issue_token(Actor("dupont", Role.MANAGER, "lomme"), "script")
    bearer = {"Authorization": f"Bearer {token.secret.reveal()}"}
    assert (await client.post("/me", headers=elsewhere | bearer)).status_code == 201


@pytest.mark.parametrize("lifetime_s", [604_800, 0])
async def test_the_session_cookie_is_closed_to_scripts_other_sites_and_plain_http(
    client: httpx.AsyncClient, lifetime_s: int
) -> None:
    answer = await client.get("/signed-in", params={"lifetime_s": lifetime_s})
    (header,) = answer.headers.get_list("set-cookie")
    cookie = SimpleCookie(header)[SESSION_COOKIE]
    assert cookie.key.startswith("__Host-")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert cookie["max-age"] == str(lifetime_s)
