"""Who may do what, over the API that visitors can reach."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.conftest import OpenTown
from tests.support.town import Town

CONSOLE = "console.localhost"
VERBS = ("deploy", "restart", "stop", "start", "roll-back")


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet", "cantine") as opened:
        await opened.up()
        yield opened


@pytest.fixture(scope="module")
async def manager(town: Town) -> str:
    """Return a token of the manager of the school."""
    return await token_of(town, "directrice", "manager", "ecole")


@pytest.fixture(scope="module")
async def member(town: Town) -> str:
    """Return a token of a member of the school."""
    return await token_of(town, "cuisinier", "member", "ecole")


async def token_of(town: Town, name: str, role: str, organisation: str) -> str:
    """Make an account, sign in by its link as a browser does, and make a token."""
    account = {"role": role, "organisation": organisation}
    (await town.api("PUT", f"/api/accounts/{name}", account)).raise_for_status()
    link = (await town.api("POST", f"/api/accounts/{name}/link")).json()["secret"]
    origin = {"Origin": f"https://{town.authority(CONSOLE)}"}
    signed_in = await town.visit("POST", CONSOLE, f"/sign-in/{link}", headers=origin)
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    issued = await town.visit(
        "POST", CONSOLE, "/api/tokens", headers={**origin, **cookie}, json={"label": "tests"}
    )
    return str(issued.json()["secret"])


async def ask(
    town: Town, token: str, method: str, path: str, body: object = None
) -> httpx.Response:
    """Ask the public API with a token."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    return await town.visit(method, CONSOLE, path, headers=headers, json=body)


@pytest.mark.parametrize(
    "path", ["/api/me", "/api/applications", "/api/engines", "/api/territory", "/api/operations"]
)
async def test_nobody_known_is_told_a_problem(town: Town, path: str) -> None:
    answer = await town.get(CONSOLE, path, **{"Accept-Language": "en"})

    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {
        "type": "urn:beffroi:error:kernel.sign_in_needed",
        "title": "kernel.sign_in_needed",
        "status": 401,
        "detail": "Nobody known asks.",
        "remedy": "Sign in, or send «Authorization: Bearer TOKEN».",
    }


async def test_the_api_is_described(town: Town) -> None:
    answer = await town.get(CONSOLE, "/api/schema")

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    paths = answer.json()["paths"]
    assert {"/api/applications", "/api/territory", "/api/engines", "/api/accounts"} <= set(paths)
    assert all(verb.get("summary") for verbs in paths.values() for verb in verbs.values())


async def test_a_manager_sees_only_the_applications_of_the_organisation(
    town: Town, manager: str
) -> None:
    seen = (await ask(town, manager, "GET", "/api/applications")).json()

    assert [one["name"] for one in seen] == ["cantine"]


async def test_an_application_of_another_organisation_is_unknown(town: Town, manager: str) -> None:
    for path in ("", "/deployments", "/releases", "/secrets", "/secrets/CLE", "/logs/application"):
        answer = await ask(town, manager, "GET", f"/api/applications/guichet{path}")
        assert answer.status_code == 404, path
        assert answer.json()["title"] == "hosting.application_unknown"
        assert "mairie" not in answer.text


async def test_a_manager_changes_nothing_of_another_organisation(town: Town, manager: str) -> None:
    before = await town.told("/api/operations?subject=guichet")

    for verb in VERBS:
        body: dict[str, int] | None = {} if verb == "roll-back" else None
        answer = await ask(town, manager, "POST", f"/api/applications/guichet/{verb}", body)
        assert answer.status_code == 404, verb
    secret = "/api/applications/guichet/secrets/CLE"
    assert (await ask(town, manager, "PUT", secret, {"value": "volé"})).status_code == 404
    assert await town.told("/api/operations?subject=guichet") == before


async def test_a_manager_hosts_the_applications_of_the_organisation(
    town: Town, manager: str
) -> None:
    started = await ask(town, manager, "POST", "/api/applications/cantine/restart")
    secret = await ask(town, manager, "GET", "/api/applications/cantine/secrets/CLE")

    assert started.status_code == 202
    assert started.json()["actor"] == "directrice"
    assert len(secret.json()["value"]) > 20


async def test_a_member_reads_and_changes_nothing(town: Town, member: str) -> None:
    assert (await ask(town, member, "GET", "/api/applications/cantine")).status_code == 200
    for verb in VERBS:
        body: dict[str, int] | None = {} if verb == "roll-back" else None
        answer = await ask(town, member, "POST", f"/api/applications/cantine/{verb}", body)
        assert answer.status_code == 403, verb
        assert answer.json()["title"] == "kernel.not_allowed"
    secret = await ask(town, member, "GET", "/api/applications/cantine/secrets/CLE")
    assert secret.status_code == 403


async def test_a_manager_does_not_run_the_platform(town: Town, manager: str) -> None:
    refused = (
        ("GET", "/api/engines", None),
        ("POST", "/api/engines/nginx/restart", None),
        ("GET", "/api/territory", None),
        ("POST", "/api/territory", {"file": str(town.file)}),
        ("POST", "/api/territory/difference", {"file": "/etc/passwd"}),
        ("PUT", "/api/accounts/intrus", {"role": "operator"}),
        ("PUT", "/api/accounts/intrus", {"role": "manager", "organisation": "mairie"}),
        ("POST", "/api/accounts/operator/link", None),
        ("DELETE", "/api/accounts/operator", None),
    )

    for method, path, body in refused:
        answer = await ask(town, manager, method, path, body)
        assert answer.status_code == 403, (method, path, answer.text)


async def test_the_operations_of_another_organisation_are_not_shown(
    town: Town, manager: str
) -> None:
    foreign = (await town.told("/api/operations?subject=guichet"))[0]["id"]
    seen = (await ask(town, manager, "GET", "/api/operations")).json()

    assert {one["organisation"] for one in seen} == {"ecole"}
    assert (await ask(town, manager, "GET", f"/api/operations/{foreign}")).status_code == 404


async def test_a_page_of_another_site_cannot_use_a_persons_session(town: Town) -> None:
    link = (await town.api("POST", "/api/accounts/operator/link")).json()["secret"]
    own = {"Origin": f"https://{town.authority(CONSOLE)}"}
    signed_in = await town.visit("POST", CONSOLE, f"/sign-in/{link}", headers=own)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "https://guichet.mairie.localhost"}

    answer = await town.visit("POST", CONSOLE, "/api/applications/guichet/restart", headers=headers)

    assert answer.status_code == 403
    assert answer.json()["title"] == "kernel.other_origin"


async def test_a_withdrawn_account_loses_its_token_at_once(town: Town) -> None:
    token = await token_of(town, "stagiaire", "member", "ecole")
    assert (await ask(town, token, "GET", "/api/me")).status_code == 200

    await town.api("DELETE", "/api/accounts/stagiaire")

    assert (await ask(town, token, "GET", "/api/me")).status_code == 401
