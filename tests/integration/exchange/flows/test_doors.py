"""What comes in by doors that are no flows is counted minute by minute, each for its owner."""

from datetime import timedelta

from beffroi.exchange.flows import door_store
from beffroi.exchange.flows.door_store import Door
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.service import Flows
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Role
from tests.conftest import MakeDatabase

GASTON = Actor("gaston", Role.MANAGER, "mairie")
EDITH = Actor("edith", Role.MANAGER, "ecole")
OLGA = Actor("olga", Role.OPERATOR, "")


async def test_what_came_in_adds_up_and_is_told_to_its_owner(make_database: MakeDatabase) -> None:
    database, clock = await make_database("kernel", "exchange"), SystemClock()
    journal, flows = FlowJournal(database, clock), Flows(database, clock)
    for carried, refused in ((3, 1), (4, 0)):
        journal.came_in("mairie", Door.MQTT, carried, refused)
        await journal.write()
    journal.came_in("ecole", Door.MQTT, 10, 0)
    journal.came_in("ecole", Door.MQTT, 1, 0)
    await journal.write()
    told = {}
    for actor in (GASTON, EDITH, OLGA):
        minutes = (await flows.came_in(actor))[Door.MQTT]
        told[actor.name] = [sum(one.carried for one in minutes), sum(o.refused for o in minutes)]
    assert told == {"gaston": [7, 1], "edith": [11, 0], "olga": [18, 1]}
    async with database.transaction(EVERYTHING) as connection:
        await door_store.forget_minutes(connection, clock.now() + timedelta(minutes=1))
    assert await flows.came_in(OLGA) == {}
