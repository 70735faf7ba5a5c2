"""Every read of personal data is in the journal before its answer is out."""

import asyncio
from typing import Any, Final

import msgspec
import pytest

from beffroi.exchange.governance.declared import LegalBasis, Treatment
from beffroi.exchange.governance.journal_store import HeldAccess
from beffroi.exchange.retention.service import Retentions
from beffroi.kernel.database import execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.exchange.governance.conftest import Town, actor
from tests.integration.exchange.governance.test_policies import ANNE, BOB, person
from tests.support.clocks import ManualClock

PEOPLE: Final = Treatment(
    name="people",
    types=("Person",),
    owner="Population",
    purpose="Civil register",
    legal_basis=LegalBasis.PUBLIC_TASK,
    personal=True,
    personal_attributes=("name", "age"),
)


async def journal(town: Town) -> list[HeldAccess]:
    return await town.services.governance.governance.accesses(actor("arras"))


READS: Final = (
    (f"entities/{ANNE}", "retrieve", (ANNE,)),
    ("entities?type=Person", "query", (ANNE, BOB)),
    (f"temporal/entities/{ANNE}", "history", (ANNE,)),
)


async def test_a_read_is_noted_with_who_what_and_why(town: Town) -> None:
    await town.add("arras", person(ANNE, 31), person(BOB, 2))
    await town.put("arras", PEOPLE)
    await town.give("arras", attributes=["name", "location"])
    for path, verb, ids in READS:
        await town.found("lens", path, {"Beffroi-Purpose": "study of ages"})
        noted = (await journal(town))[0]
        assert (noted.actor, noted.actor_organisation, noted.verb) == ("lens", "lens", verb)
        assert (noted.purpose, noted.treatment) == ("study of ages", "people")
        assert noted.ids == ids
        assert [one.rpartition("/")[2] for one in noted.attributes] == ["name"]
    assert len(await journal(town)) == len(READS)


async def test_what_is_not_personal_is_not_noted(town: Town) -> None:
    await town.add("arras", person(ANNE, 31), {"id": "urn:ngsi-ld:Bus:1", "type": "Bus"})
    await town.put("arras", PEOPLE)
    await town.give("arras", attributes=["location"])
    await town.found("lens", "entities?type=Person")
    await town.found("arras", "entities?type=Bus")
    assert await journal(town) == []


async def test_many_reads_at_once_are_all_noted(town: Town) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.put("arras", PEOPLE)
    await asyncio.gather(*(town.found("arras", f"entities/{ANNE}") for _ in range(30)))
    assert len(await journal(town)) == 30


@pytest.mark.parametrize(
    "statement",
    [
        "update exchange.access set actor = 'nobody'",
        "delete from exchange.access",
        "truncate exchange.access",
    ],
)
async def test_the_journal_cannot_be_changed(town: Town, statement: Any) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.put("arras", PEOPLE)
    await town.found("arras", f"entities/{ANNE}")
    with pytest.raises(Exception, match="only added to"):
        async with town.database.transaction(EVERYTHING) as connection:
            await execute(connection, statement)
    assert len(await journal(town)) == 1


async def test_the_journal_is_for_those_who_answer_for_the_data(town: Town) -> None:
    governance = town.services.governance.governance
    for one in (Actor("m", Role.MEMBER, "arras"), Actor("l", Role.MANAGER, "lens")):
        with pytest.raises(ForbiddenError):
            await governance.accesses(one, "arras")


async def test_the_retention_of_a_treatment_is_declared_and_withdrawn_with_it(
    town: Town, clock: ManualClock
) -> None:
    retentions = Retentions(town.database, clock)
    kept = msgspec.structs.replace(PEOPLE, retention_days=30)
    await town.put("arras", kept)
    (declared,) = await retentions.declared(actor("arras"))
    assert (declared.raw_days, declared.rolled_days) == (30, 30)
    assert declared.type.endswith("/Person")
    await town.put("arras", PEOPLE)
    assert await retentions.declared(actor("arras")) == []
