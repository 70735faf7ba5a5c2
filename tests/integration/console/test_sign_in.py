"""Signing in, by a link and by a password; signing out."""

from datetime import timedelta

from beffroi.kernel.http.authentication import SESSION_COOKIE
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import PASSWORD_MIN_LENGTH
from tests.integration.console.house import ORIGIN, PASSWORD, House


async def test_a_link_waits_for_its_button_and_opens_once(house: House) -> None:
    path = f"/sign-in/{(await house.link('gaston')).reveal()}"
    preview = await house.visitor().get(path)
    assert preview.status_code == 200
    assert preview.headers["cache-control"] == "no-store"
    assert SESSION_COOKIE not in preview.cookies

    client = house.visitor()
    opened = await client.post(path)
    assert (opened.status_code, opened.headers["location"]) == (303, "/password")
    assert (await client.get("/")).status_code == 200

    again = await house.visitor().post(path)
    assert again.status_code == 401
    assert "Ce lien de connexion a déjà servi" in again.text


async def test_the_session_cookie_is_for_this_host_and_no_script(house: House) -> None:
    client = house.visitor()
    answer = await client.post(f"/sign-in/{(await house.link('gaston')).reveal()}")
    cookie = next(
        line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION_COOKIE)
    )
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert f"Max-Age={int(timedelta(days=7).total_seconds())}" in cookie


async def test_a_password_is_chosen_then_opens_the_console(house: House) -> None:
    client = await house.signed_in("gaston")
    short = await client.post("/password", data={"password": "court", "repeated": "court"})
    assert short.status_code == 422
    assert f"au moins {PASSWORD_MIN_LENGTH} caractères" in short.text
    unequal = await client.post("/password", data={"password": PASSWORD, "repeated": PASSWORD[:-1]})
    assert unequal.status_code == 422
    assert "ne sont pas les mêmes" in unequal.text
    chosen = await client.post("/password", data={"password": PASSWORD, "repeated": PASSWORD})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")

    other = house.visitor()
    given = {"name": "gaston", "password": PASSWORD, "next": "/operations?subject=horloge"}
    opened = await other.post("/sign-in", data=given)
    assert (opened.status_code, opened.headers["location"]) == (303, "/operations?subject=horloge")
    assert (await other.get("/operations")).status_code == 200

    by_link = await house.visitor().post(f"/sign-in/{(await house.link('gaston')).reveal()}")
    assert by_link.headers["location"] == "/"


async def test_a_refused_sign_in_keeps_the_name_not_the_password(house: House) -> None:
    wrong = {"name": 'gaston"><i>', "password": "pas le bon", "next": "//evil.example"}
    answer = await house.visitor().post("/sign-in", data=wrong)
    assert answer.status_code == 401
    assert "Le nom ou le mot de passe est faux" in answer.text
    assert 'value="gaston&#34;&gt;&lt;i&gt;"' in answer.text
    assert "pas le bon" not in answer.text
    assert "autofocus" in answer.text


async def test_five_failures_pause_the_account(house: House) -> None:
    client = house.visitor("en")
    wrong = {"name": "gaston", "password": "wrong"}
    statuses = [(await client.post("/sign-in", data=wrong)).status_code for _ in range(5)]
    assert statuses == [401] * 5
    paused = await client.post("/sign-in", data=wrong)
    assert paused.status_code == 403
    assert "Too many failed sign-ins" in paused.text or "15 minutes" in paused.text


async def test_who_is_not_signed_in_is_led_to_the_page_and_back(house: House) -> None:
    answer = await house.visitor().get("/operations?subject=horloge")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/operations%3Fsubject%3Dhorloge"
    page = await house.visitor().get(answer.headers["location"])
    assert 'name="next" value="/operations?subject=horloge"' in page.text


async def test_a_part_that_refreshes_itself_asks_for_the_whole_page(house: House) -> None:
    answer = await house.visitor().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


async def test_next_never_leaves_the_console(house: House) -> None:
    client = await house.signed_in("gaston")
    await client.post("/password", data={"password": PASSWORD, "repeated": PASSWORD})
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "evil"):
        given = {"name": "gaston", "password": PASSWORD, "next": wanted}
        answer = await house.visitor().post("/sign-in", data=given)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), wanted


async def test_signing_out_ends_the_session(house: House) -> None:
    client = await house.signed_in("gaston")
    kept = client.cookies[SESSION_COOKIE]
    answer = await client.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert SESSION_COOKIE not in client.cookies
    thief = house.visitor()
    thief.cookies.set(SESSION_COOKIE, kept)
    assert (await thief.get("/")).status_code == 303


async def test_a_form_of_another_site_is_refused(house: House) -> None:
    client = await house.signed_in("olga")
    secret = (await house.link("gaston")).reveal()
    foreign = {"Origin": "https://evil.example"}
    for path in (
        "/sign-in",
        f"/sign-in/{secret}",
        "/sign-out",
        "/language",
        "/password",
        "/accounts",
        "/tokens",
        "/applications/horloge/deploy",
        "/applications/horloge/secrets/CLE_DU_BEFFROI",
        "/engines/nginx/restart",
    ):
        answer = await client.post(path, data={"language": "fr"}, headers=foreign)
        assert answer.status_code == 403, path
        assert "page d&#39;un autre site" in answer.text
    assert (await house.visitor().post(f"/sign-in/{secret}")).status_code == 303


async def test_the_language_is_switched_and_kept(house: House) -> None:
    client = await house.signed_in("gaston")
    assert '<html lang="fr">' in (await client.get("/applications")).text
    given = {"language": "en", "next": "/applications?after=a"}
    switched = await client.post("/language", data=given)
    assert (switched.status_code, switched.headers["location"]) == (303, given["next"])
    assert '<html lang="en">' in (await client.get("/applications")).text

    await client.post("/password", data={"password": PASSWORD, "repeated": PASSWORD})
    elsewhere = house.visitor("fr")
    await elsewhere.post("/sign-in", data={"name": "gaston", "password": PASSWORD})
    assert '<html lang="en">' in (await elsewhere.get("/")).text


async def test_the_first_sign_in_keeps_the_language_of_the_browser(house: House) -> None:
    await house.platform.services.rights.put_account(PLATFORM, "wendy", Role.MEMBER, "mairie")
    await house.signed_in("wendy", "en")
    accounts = await house.platform.services.rights.accounts(PLATFORM)
    assert {one.name: one.language for one in accounts}["wendy"] == "en"


async def test_without_an_origin_a_program_may_post(house: House) -> None:
    secret = (await house.link("gaston")).reveal()
    client = house.visitor()
    del client.headers["Origin"]
    assert (await client.post(f"{ORIGIN}/sign-in/{secret}")).status_code == 303
