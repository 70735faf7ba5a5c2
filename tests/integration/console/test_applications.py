"""The pages of applications: what they show to whom, what their forms do."""

import html
import re

from beffroi.kernel.operations import OperationState
from beffroi.kernel.rights.model import PLATFORM
from tests.integration.console.house import HOSTILE, House
from tests.integration.console.markup import Markup

CHANGES = (
    "/applications/horloge/deploy",
    "/applications/horloge/restart",
    "/applications/horloge/stop",
    "/applications/horloge/start",
    "/applications/horloge/roll-back",
    "/applications/horloge/secrets/CLE_DU_BEFFROI",
    "/applications/horloge/secrets/CLE_DU_BEFFROI/reveal",
)
FIELDS = {"deployment": "1", "value": "une valeur"}


async def test_a_manager_deploys_and_is_led_to_how_it_goes(house: House) -> None:
    client = await house.signed_in("gaston")
    answer = await client.post("/applications/horloge/deploy")
    assert answer.status_code == 303
    path = answer.headers["location"]
    running = await client.get(path)
    assert Markup(running.text).mistakes == []

    operation = await house.ended(path.removeprefix("/operations/"))
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    page = (await client.get(path)).text
    assert "Déployer horloge" in page
    assert "réussie" in page
    assert "data-hx-trigger" not in page
    assert 'href="/applications/horloge"' in page
    shown = (await client.get("/applications/horloge")).text
    assert "n° 1" in shown
    assert "en service" in shown


async def test_a_running_operation_refreshes_itself_with_and_without_scripts(house: House) -> None:
    client = await house.signed_in("gaston")
    path = (await client.post("/applications/horloge/deploy")).headers["location"]
    page = (await client.get(path)).text
    await house.ended(path.removeprefix("/operations/"))
    assert f'data-hx-get="{path}"' in page
    assert '<noscript><meta http-equiv="refresh"' in page


async def test_stop_start_restart_and_return(house: House) -> None:
    await house.deployed("vitrine")
    source = house.platform.foundation.places.data.parent / "vitrine" / "index.html"
    source.write_text("<h1>Nouvelle page</h1>")
    await house.deployed("vitrine")
    client = await house.signed_in("gaston")
    page = Markup((await client.get("/applications/vitrine")).text)
    assert "/applications/vitrine/roll-back" in page.forms()
    for verb, state in (("stop", "arrêtée"), ("start", "en service"), ("restart", "en service")):
        answer = await client.post(f"/applications/vitrine/{verb}")
        ended = await house.ended(answer.headers["location"].removeprefix("/operations/"))
        assert ended.state is OperationState.SUCCEEDED, ended.outcome
        assert state in (await client.get("/applications/vitrine/state")).text

    answer = await client.post("/applications/vitrine/roll-back", data={"deployment": "1"})
    ended = await house.ended(answer.headers["location"].removeprefix("/operations/"))
    assert ended.verb == "hosting.roll_back"
    assert ended.state is OperationState.SUCCEEDED, ended.outcome


async def test_a_failed_deployment_is_told_on_top(house: House) -> None:
    await house.deployed("horloge")
    source = house.platform.foundation.places.data.parent / "horloge" / "clock.py"
    source.write_text("raise SystemExit('the spring <i>broke</i>')")
    await house.deployed("horloge")
    client = await house.signed_in("gaston")
    overview = (await client.get("/")).text
    assert "À regarder d&#39;abord" in overview
    assert "Le déploiement n° 2 a échoué" in overview
    page = (await client.get("/applications/horloge")).text
    assert "the spring &lt;i&gt;broke&lt;/i&gt;" in page
    assert "en service" in page
    assert Markup(page).mistakes == []


async def test_a_member_reads_and_may_do_nothing(house: House) -> None:
    await house.deployed("horloge")
    client = await house.signed_in("mireille")
    page = Markup((await client.get("/applications/horloge")).text)
    assert page.forms() == []
    assert page.mistakes == []
    for path in CHANGES:
        answer = await client.post(path, data=FIELDS)
        assert answer.status_code == 403, path
        assert "n&#39;a pas ce droit" in answer.text
        assert Markup(answer.text).mistakes == []
    assert len(await house.platform.services.hosting.deployments(PLATFORM, "horloge")) == 1


async def test_another_organisations_application_does_not_exist(house: House) -> None:
    await house.deployed("cantine")
    for name in ("gaston", "mireille"):
        client = await house.signed_in(name)
        for page in ("/", "/applications", "/organisations", "/operations"):
            assert "Cantine" not in (await client.get(page)).text, page
            assert "cantine" not in (await client.get(page)).text, page
        for path in ("/applications/cantine", "/applications/cantine/state"):
            assert (await client.get(path)).status_code == 404
        unknown = await client.get("/applications/inconnue")
        known = await client.get("/applications/cantine")
        assert unknown.text.replace("inconnue", "x") == known.text.replace("cantine", "x")
        for path in CHANGES:
            answer = await client.post(path.replace("horloge", "cantine"), data=FIELDS)
            assert answer.status_code == 404, path
    stranger = await house.signed_in("edith")
    assert "Cantine secrète" in (await stranger.get("/applications/cantine")).text


async def test_engines_are_the_operators(house: House) -> None:
    client = await house.signed_in("gaston")
    assert "/engines" not in (await client.get("/")).text
    assert (await client.get("/engines")).status_code == 403
    assert (await client.post("/engines/nginx/restart")).status_code == 403
    operator = await house.signed_in("olga")
    page = Markup((await operator.get("/engines")).text)
    assert page.forms() == ["/engines/nginx/restart", "/engines/filler/restart"]


async def test_hostile_titles_and_log_lines_are_text(house: House) -> None:
    await house.deployed("vitrine")
    await house.deployed("horloge")
    client = await house.signed_in("olga")
    for page in ("/", "/applications", "/applications/vitrine"):
        text = (await client.get(page)).text
        assert html.escape(HOSTILE).replace("&quot;", "&#34;") in text
        assert "<script>alert" not in text
        assert "Petit-Bourg &amp; environs" in text
    log = (await client.get("/applications/horloge?log=application")).text
    assert "&lt;b&gt;ding&lt;/b&gt; green &amp; dong" in log
    assert "\x1b" not in log


async def test_logs_are_chosen_by_name(house: House) -> None:
    await house.deployed("horloge")
    client = await house.signed_in("mireille")
    for log in ("application", "build", "prepare", "job-sonner"):
        page = (await client.get(f"/applications/horloge?log={log}")).text
        assert f'data-log="/api/applications/horloge/logs/{log}/live"' in page
        assert re.search(rf'\?log={log}#log" aria-current="true"', page)
    other = (await client.get("/applications/horloge?log=../../beffroi")).text
    assert 'data-log="/api/applications/horloge/logs/application/live"' in other


async def test_secrets_are_named_shown_on_demand_and_replaced(house: House) -> None:
    await house.deployed("horloge")
    client = await house.signed_in("gaston")
    path = "/applications/horloge/secrets/CLE_DU_BEFFROI"
    empty = await client.post(path, data={"value": ""})
    assert empty.status_code == 422
    assert "de 1 à 65 536 caractères" in empty.text
    kept = await client.post(path, data={"value": 'a"<b>&'})
    assert (kept.status_code, kept.headers["location"]) == (303, "/applications/horloge#secrets")
    page = (await client.get("/applications/horloge")).text
    assert "CLE_DU_BEFFROI" in page
    assert "a&#34;&lt;b&gt;" not in page
    shown = await client.post(f"{path}/reveal")
    assert shown.headers["cache-control"] == "no-store"
    assert '<output class="secret">a&#34;&lt;b&gt;&amp;</output>' in shown.text
    assert (await client.post(f"{path}X/reveal")).status_code == 404
