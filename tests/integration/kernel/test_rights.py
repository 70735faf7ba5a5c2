"""Signing in, and who may manage whom."""

import asyncio
from datetime import timedelta

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING, Scope
from beffroi.kernel.errors import (
    BeffroiError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret
from tests.support.clocks import ManualClock

PASSWORD = Secret("correct horse battery")
MANAGER = Actor("dupont", Role.MANAGER, "lomme")


@pytest.fixture
async def rights(database: Database, clock: ManualClock) -> Rights:
    """An operator, and a manager and a member of Lomme."""
    rights = Rights(database, clock)
    await rights.put_account(PLATFORM, "admin", Role.OPERATOR)
    await rights.put_account(PLATFORM, "dupont", Role.MANAGER, "lomme", "Jeanne Dupont")
    await rights.put_account(PLATFORM, "petit", Role.MEMBER, "lomme")
    return rights


async def _code(attempt: object) -> str:
    assert asyncio.iscoroutine(attempt)
    with pytest.raises(BeffroiError) as caught:
        await attempt
    return caught.value.code


async def _signed_in(rights: Rights, name: str) -> Secret:
    link = await rights.issue_link(PLATFORM, name)
    _, session = await rights.sign_in_by_link(link.secret)
    return session.secret


async def test_a_link_opens_one_session(rights: Rights) -> None:
    link = await rights.issue_link(PLATFORM, "dupont")
    account, session = await rights.sign_in_by_link(link.secret)
    assert account.actor == MANAGER
    assert await rights.who(session.secret) == MANAGER
    assert await rights.who(link.secret) is None
    assert await _code(rights.sign_in_by_link(link.secret)) == "kernel.link_spent"


async def test_a_link_that_two_present_at_once_opens_one_session(rights: Rights) -> None:
    link = await rights.issue_link(PLATFORM, "dupont")
    outcomes = await asyncio.gather(
        *(rights.sign_in_by_link(link.secret) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, UnauthenticatedError) for outcome in outcomes) == 5


@pytest.mark.parametrize(("minutes", "opens"), [(59, True), (60, False), (61, False)])
async def test_a_link_lasts_one_hour(
    rights: Rights, clock: ManualClock, minutes: int, *, opens: bool
) -> None:
    link = await rights.issue_link(PLATFORM, "dupont")
    clock.move(minutes * 60)
    outcomes = await asyncio.gather(rights.sign_in_by_link(link.secret), return_exceptions=True)
    assert isinstance(outcomes[0], tuple) is opens


async def test_a_session_lasts_seven_days(rights: Rights, clock: ManualClock) -> None:
    session = await _signed_in(rights, "dupont")
    clock.move(timedelta(days=7).total_seconds() - 1)
    assert await rights.who(session) == MANAGER
    clock.move(1)
    assert await rights.who(session) is None


async def test_signing_out_ends_the_session_and_no_other(rights: Rights) -> None:
    first, second = await _signed_in(rights, "dupont"), await _signed_in(rights, "dupont")
    await rights.sign_out(first)
    await rights.sign_out(first)
    assert await rights.who(first) is None
    assert await rights.who(second) == MANAGER


async def test_only_digests_are_kept(rights: Rights, database: Database) -> None:
    session = await _signed_in(rights, "dupont")
    await rights.set_password(MANAGER, PASSWORD)
    async with database.transaction(EVERYTHING) as connection:
        kept = await fetch_value(
            connection,
            "select string_agg(a::text || c::text, '') from kernel.account a, kernel.credential c",
        )
    assert session.reveal() not in kept
    assert PASSWORD.reveal() not in kept
    assert "$argon2id$" in kept


async def test_a_password_opens_a_session(rights: Rights) -> None:
    assert not await rights.has_password(MANAGER)
    await rights.set_password(MANAGER, PASSWORD)
    assert await rights.has_password(MANAGER)
    account, session = await rights.sign_in_by_password("dupont", PASSWORD)
    assert account.actor == MANAGER
    assert await rights.who(session.secret) == MANAGER


@pytest.mark.parametrize("name", ["dupont", "petit", "nobody"])
async def test_a_wrong_password_a_missing_one_and_a_wrong_name_are_told_alike(
    rights: Rights, name: str
) -> None:
    await rights.set_password(MANAGER, PASSWORD)
    for password in ("wrong", ""):
        attempt = rights.sign_in_by_password(name, Secret(password))
        assert await _code(attempt) == "kernel.sign_in_refused"


@pytest.mark.parametrize(("password", "accepted"), [("x" * 11, False), ("x" * 12, True)])
async def test_a_password_has_twelve_characters(
    rights: Rights, password: str, *, accepted: bool
) -> None:
    if accepted:
        await rights.set_password(MANAGER, Secret(password))
    else:
        with pytest.raises(InvalidInputError):
            await rights.set_password(MANAGER, Secret(password))
    assert await rights.has_password(MANAGER) is accepted


async def test_five_failures_pause_an_account_for_a_quarter_of_an_hour(
    rights: Rights, clock: ManualClock
) -> None:
    await rights.set_password(MANAGER, PASSWORD)
    for _ in range(5):
        attempt = rights.sign_in_by_password("dupont", Secret("wrong"))
        assert await _code(attempt) == "kernel.sign_in_refused"
    attempt = rights.sign_in_by_password("dupont", PASSWORD)
    assert await _code(attempt) == "kernel.sign_in_paused"
    link = await rights.issue_link(PLATFORM, "dupont")
    await rights.sign_in_by_link(link.secret)
    clock.move(15 * 60 + 1)
    await rights.sign_in_by_password("dupont", PASSWORD)


async def test_a_sign_in_ends_the_count(rights: Rights) -> None:
    await rights.set_password(MANAGER, PASSWORD)
    for _ in range(3):
        for _ in range(4):
            attempt = rights.sign_in_by_password("dupont", Secret("wrong"))
            assert await _code(attempt) == "kernel.sign_in_refused"
        account, _ = await rights.sign_in_by_password("dupont", PASSWORD)
        assert account.name == "dupont"


async def test_guesses_side_by_side_are_all_counted(rights: Rights) -> None:
    await rights.set_password(MANAGER, PASSWORD)
    codes = await asyncio.gather(
        *(_code(rights.sign_in_by_password("dupont", Secret(f"guess {n}"))) for n in range(20))
    )
    assert codes.count("kernel.sign_in_refused") == 5
    assert codes.count("kernel.sign_in_paused") == 15


async def test_old_failures_are_forgotten(
    rights: Rights, database: Database, clock: ManualClock
) -> None:
    for name in ("someone", "somebody", "anyone"):
        assert await _code(rights.sign_in_by_password(name, PASSWORD)) == "kernel.sign_in_refused"
        clock.move(timedelta(days=2).total_seconds())
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from kernel.failed_sign_in") == 1


async def test_a_token_stands_for_its_account_until_withdrawn(
    rights: Rights, clock: ManualClock
) -> None:
    token = await rights.issue_token(MANAGER, "backup script")
    other = await rights.issue_token(MANAGER, "sensor")
    clock.move(timedelta(days=300).total_seconds())
    assert await rights.who(token.secret) == MANAGER
    labels = {one.label for one in await rights.tokens(MANAGER)}
    assert labels == {"backup script", "sensor"}
    await rights.withdraw(MANAGER, token.credential.digest)
    assert await rights.who(token.secret) is None
    assert await rights.who(other.secret) == MANAGER
    clock.move(timedelta(days=66).total_seconds())
    assert await rights.who(other.secret) is None


async def test_nobody_withdraws_the_token_of_another(rights: Rights) -> None:
    token = await rights.issue_token(MANAGER, "backup script")
    other = Actor("petit", Role.MEMBER, "lomme")
    assert await _code(rights.withdraw(other, token.credential.digest)) == "kernel.token_unknown"
    assert list(await rights.tokens(other)) == []
    assert await rights.who(token.secret) == MANAGER


async def test_removing_an_account_ends_its_proofs_at_once(rights: Rights) -> None:
    session = await _signed_in(rights, "petit")
    await rights.remove_account(MANAGER, "petit")
    assert await rights.who(session) is None
    assert await _code(rights.issue_link(PLATFORM, "petit")) == "kernel.account_unknown"


async def test_a_changed_role_counts_at_once_and_keeps_password_and_language(
    rights: Rights,
) -> None:
    await rights.set_password(MANAGER, PASSWORD)
    await rights.set_language(MANAGER, Language.EN)
    session = await _signed_in(rights, "dupont")
    changed = await rights.put_account(PLATFORM, "dupont", Role.MEMBER, "lomme")
    assert changed.language is Language.EN
    assert await rights.who(session) == Actor("dupont", Role.MEMBER, "lomme", Language.EN)
    await rights.sign_in_by_password("dupont", PASSWORD)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.MEMBER, Role.PARTNER])
async def test_every_role_but_operator_needs_an_organisation(rights: Rights, role: Role) -> None:
    attempt = rights.put_account(PLATFORM, "lost", role)
    assert await _code(attempt) == "kernel.account_without_organisation"


async def test_a_manager_manages_the_accounts_of_their_organisation(rights: Rights) -> None:
    await rights.put_account(MANAGER, "martin", Role.MANAGER, "lomme")
    await rights.issue_link(MANAGER, "martin")
    assert [one.name for one in await rights.accounts(MANAGER)] == ["dupont", "martin", "petit"]
    assert len(await rights.accounts(PLATFORM)) == 4
    await rights.remove_account(MANAGER, "martin")


@pytest.mark.parametrize(
    "actor",
    [
        Actor("durand", Role.MANAGER, "hellemmes"),
        Actor("petit", Role.MEMBER, "lomme"),
        Actor("sensor", Role.PARTNER, "lomme"),
    ],
)
async def test_nobody_else_does(rights: Rights, actor: Actor) -> None:
    with pytest.raises(ForbiddenError):
        await rights.put_account(actor, "martin", Role.MEMBER, "lomme")
    with pytest.raises(ForbiddenError):
        await rights.issue_link(actor, "dupont")
    with pytest.raises(ForbiddenError):
        await rights.remove_account(actor, "dupont")
    assert not any(one.organisation == "lomme" for one in await rights.accounts(actor))


async def test_a_manager_makes_no_operator_and_becomes_none(rights: Rights) -> None:
    for name in ("martin", "dupont"):
        with pytest.raises(ForbiddenError):
            await rights.put_account(MANAGER, name, Role.OPERATOR, "lomme")


@pytest.mark.parametrize("organisation", ["", "lomme"])
async def test_a_manager_has_no_hold_on_an_operator(rights: Rights, organisation: str) -> None:
    await rights.put_account(PLATFORM, "admin", Role.OPERATOR, organisation)
    with pytest.raises(ForbiddenError):
        await rights.issue_link(MANAGER, "admin")
    with pytest.raises(ForbiddenError):
        await rights.remove_account(MANAGER, "admin")
    with pytest.raises(ForbiddenError):
        await rights.put_account(MANAGER, "admin", Role.MEMBER, "lomme")
    assert "admin" not in {one.name for one in await rights.accounts(MANAGER)}


async def test_a_manager_cannot_take_over_an_account_of_another_organisation(
    rights: Rights,
) -> None:
    await rights.put_account(PLATFORM, "durand", Role.MANAGER, "hellemmes")
    with pytest.raises(ForbiddenError):
        await rights.put_account(MANAGER, "durand", Role.MEMBER, "lomme")
    assert await rights.who(await _signed_in(rights, "durand")) == Actor(
        "durand", Role.MANAGER, "hellemmes"
    )


async def test_accounts_and_proofs_are_hidden_from_every_organisation(
    rights: Rights, database: Database
) -> None:
    await rights.issue_token(MANAGER, "x")
    async with database.transaction(Scope(organisation="lomme")) as connection:
        for table in ("account", "credential"):
            statement = f"select count(*) from kernel.{table}"  # noqa: S608
            assert await fetch_value(connection, statement) == 0


async def test_what_nobody_issued_stands_for_nobody(rights: Rights) -> None:
    assert await rights.who(Secret("made up")) is None
    with pytest.raises(NotFoundError):
        await rights.issue_link(PLATFORM, "nobody")
