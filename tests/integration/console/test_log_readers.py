"""Letting go of a reader of the log that will not come back: who may, and what is told."""

from beffroi.kernel.database import execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from tests.integration.console.house import House
from tests.integration.console.markup import Markup

FORGOTTEN = "exchange.nats"
LET_GO = f"/engines/log-readers/{FORGOTTEN}/let-go"


async def forget(house: House) -> None:
    """Leave a reader behind that nobody runs any more."""
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        await append(connection, *(Event("exchange.entity_changed", str(n)) for n in range(3)))
        await execute(
            connection,
            "insert into kernel.follower select name, (select max(seq) - 3 from kernel.log) "
            "from unnest(array[%s, 'page store']) as name",
            (FORGOTTEN,),
        )


async def is_known(house: House, name: str) -> bool:
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        found: bool = await fetch_value(
            connection, "select exists (select from kernel.follower where name = %s)", (name,)
        )
        return found


async def test_only_who_runs_the_platform_lets_a_reader_go(house: House) -> None:
    await forget(house)
    client = await house.signed_in("gaston")
    assert (await client.post(LET_GO)).status_code == 403
    assert (await client.get("/api/log-readers")).status_code == 403
    assert await is_known(house, FORGOTTEN)


async def test_the_page_says_what_is_lost_and_who_let_it_go_is_kept(house: House) -> None:
    await forget(house)
    operator = await house.signed_in("olga")
    page = Markup((await operator.get("/engines")).text)
    assert LET_GO in page.forms()
    assert "perdra les 3 entrées" in (await operator.get("/engines")).text
    answer = await operator.post(LET_GO)
    assert not await is_known(house, FORGOTTEN)
    told = (await operator.get(answer.headers["location"])).text
    assert f"{FORGOTTEN} reads the log no more; it had not read 3 entries since" in told
    assert "olga" in told
    assert (await operator.post(LET_GO)).status_code == 404


async def test_a_reader_that_the_platform_runs_stays(house: House) -> None:
    await forget(house)
    operator = await house.signed_in("olga")
    assert (await operator.post("/engines/log-readers/page%20store/let-go")).status_code == 409
    assert await is_known(house, "page store")
    assert "page%20store/let-go" not in (await operator.get("/engines")).text
