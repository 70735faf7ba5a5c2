"""Accounts, one-time links, tokens; organisations and operations."""

import re

from beffroi.kernel.rights.model import PLATFORM, Role
from tests.integration.console.house import ORIGIN, House
from tests.integration.console.markup import Markup

NEW = {"name": "nadia", "title": "Nadia <b>", "role": "member", "organisation": "mairie"}


async def test_a_manager_makes_an_account_and_its_link_is_shown_once(house: House) -> None:
    client = await house.signed_in("gaston")
    made = await client.post("/accounts", data=NEW)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    assert Markup(made.text).mistakes == []
    link = re.search(rf'<output class="secret">({ORIGIN}/sign-in/[^<]+)</output>', made.text)
    assert link
    assert "/sign-in/" not in (await client.get("/accounts")).text.replace("/sign-in-link", "")
    opened = await house.visitor().post(link[1])
    assert (opened.status_code, opened.headers["location"]) == (303, "/password")


async def test_a_bad_account_keeps_what_was_written(house: House) -> None:
    client = await house.signed_in("gaston")
    answer = await client.post("/accounts", data=NEW | {"name": "Nadia Été"})
    assert answer.status_code == 422
    assert "ne peut pas nommer un compte" in answer.text
    assert 'value="Nadia Été"' in answer.text
    assert 'value="Nadia &lt;b&gt;"' in answer.text
    assert Markup(answer.text).mistakes == []


async def test_a_manager_stays_in_the_organisation(house: House) -> None:
    client = await house.signed_in("gaston")
    page = (await client.get("/accounts")).text
    assert "École" not in page
    assert "olga" not in page
    assert 'value="operator"' not in page
    for wanted in ({"organisation": "ecole"}, {"role": "operator"}, {"name": "olga"}):
        answer = await client.post("/accounts", data=NEW | wanted)
        assert answer.status_code == 403, wanted
    for path in ("/accounts/olga/link", "/accounts/edith/link", "/accounts/edith/remove"):
        assert (await client.post(path)).status_code == 403, path
    roles = {one.name: one.role for one in await house.platform.services.rights.accounts(PLATFORM)}
    assert roles["olga"] is Role.OPERATOR
    assert "nadia" not in roles


async def test_a_member_sees_only_their_own_account_and_tokens(house: House) -> None:
    client = await house.signed_in("mireille")
    assert Markup((await client.get("/accounts")).text).forms() == ["/tokens"]
    assert (await client.post("/accounts", data=NEW)).status_code == 403
    assert (await client.post("/accounts/gaston/link")).status_code == 403


async def test_a_removed_account_is_signed_out(house: House) -> None:
    member = await house.signed_in("mireille")
    client = await house.signed_in("gaston")
    assert (await client.post("/accounts/mireille/remove")).status_code == 303
    assert (await member.get("/")).status_code == 303


async def test_a_token_is_shown_once_acts_and_is_withdrawn(house: House) -> None:
    client = await house.signed_in("mireille")
    assert (await client.post("/tokens", data={"label": "  "})).status_code == 422
    made = await client.post("/tokens", data={"label": "relevé <i>"})
    token = re.search(r'<output class="secret">([^<]+)</output>', made.text)
    assert token
    headers = {"Authorization": f"Bearer {token[1]}"}
    assert (await house.visitor().get("/api/me", headers=headers)).json()["name"] == "mireille"

    page = (await client.get("/accounts")).text
    assert token[1] not in page
    assert "relevé &lt;i&gt;" in page
    (withdraw,) = [path for path in Markup(page).forms() if path.endswith("/withdraw")]
    assert (await (await house.signed_in("gaston")).post(withdraw)).status_code == 404
    assert (await client.post(withdraw)).status_code == 303
    assert (await house.visitor().get("/api/me", headers=headers)).status_code == 401


async def test_organisations_show_ones_own(house: House) -> None:
    operator = await house.signed_in("olga")
    page = (await operator.get("/organisations")).text
    assert "École" in page
    assert "mairie.example.localhost" in page
    member = await house.signed_in("mireille")
    page = (await member.get("/organisations")).text
    assert "Mairie" in page
    assert "École" not in page


async def test_operations_are_paged_and_filtered(house: House) -> None:
    for _ in range(30):
        await house.deployed("vitrine")
    await house.deployed("horloge")
    client = await house.signed_in("gaston")
    first = (await client.get("/operations")).text
    older = re.search(r'href="(/operations\?before=[^"]+)"', first)
    assert older
    second = (await client.get(older[1])).text
    seen = [re.findall(r'href="/operations/([0-9a-z]{18})"', page) for page in (first, second)]
    assert [len(page) for page in seen] == [25, 6]
    assert seen[0] + seen[1] == sorted({*seen[0], *seen[1]}, reverse=True)
    only = (await client.get("/operations?subject=horloge")).text
    assert len(re.findall(r'href="/operations/([0-9a-z]{18})"', only)) == 1
