"""Changes that nobody watches are passed over; the next one that somebody does is told."""

from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.support.exchange_process import ExchangeProcess
from tests.support.notification_receiver import NotificationReceiver
from tests.support.town_subscriptions import (
    NIMES,
    building,
    create,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"


async def test_who_subscribes_after_a_while_without_anybody_is_told_of_what_follows(
    platform: ExchangeProcess, receiver: NotificationReceiver, database: Database
) -> None:
    await create(platform, building(level=0))
    for level in range(1, 20):
        await update(platform, B1, {"level": level})
    watching = subscription(receiver.url())
    for level in (20, 30):
        await subscribe(platform, watching)
        await update(platform, B1, {"level": level})
        assert await eventually(lambda: receiver.received, within_s=5)
        assert [one.data[0]["level"]["value"] for one in receiver.received] == [level]
        await platform.subscriptions.delete(NIMES, "", "urn:ngsi-ld:Subscription:1")
        await update(platform, B1, {"level": level + 1})
        receiver.received.clear()

    async def has_read_them() -> bool:
        async with database.transaction(EVERYTHING) as connection:
            left: int = await fetch_value(
                connection,
                "select count(*) from kernel.log where kind = 'exchange.subscription_changed' "
                "and seq > (select seq from kernel.follower)",
            )
            return left == 0

    assert await eventually(has_read_them, within_s=5)
