"""Signing in: one-time link, then password; sessions for people, tokens for programs."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from beffroi.kernel.rights import store
from beffroi.kernel.rights.model import Account, Actor, Credential, CredentialKind, Permission, Role
from beffroi.kernel.secrets import Secret, generated_secret

PASSWORD_MIN_LENGTH = 12
_LIFETIME = {
    CredentialKind.LINK: timedelta(hours=1),
    CredentialKind.SESSION: timedelta(days=7),
    CredentialKind.TOKEN: timedelta(days=365),
}
_FAILURES_ALLOWED = 5
_FAILURES_WINDOW = timedelta(minutes=15)


class Proof(msgspec.Struct, frozen=True):
    """A new credential: its secret, shown once, and what stays."""

    secret: Secret
    credential: Credential


class Rights:
    """Accounts and their proofs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hasher = PasswordHasher()

    async def put_account(
        self, actor: Actor, name: str, role: Role, organisation: str = "", title: str = ""
    ) -> Account:
        """Create an account, or change the role of one."""
        if role is Role.OPERATOR:
            actor.require(Permission.RUN_PLATFORM, "")
        else:
            actor.require(Permission.HOST, organisation)
        if role is not Role.OPERATOR and not organisation:
            raise InvalidInputError("kernel.account_without_organisation", account=name, role=role)
        account = Account(
            name, title or name, role, organisation, "", Language.FR, self._clock.now()
        )
        async with self._database.transaction(EVERYTHING) as connection:
            existing = await store.account_named(connection, name)
            if existing is not None:
                _require_charge_of(actor, existing)
            await store.put_account(connection, account)
            return await self._known(connection, name)

    async def accounts(self, actor: Actor) -> Sequence[Account]:
        """Return the accounts that the actor may manage."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await store.accounts(connection)
        return [one for one in found if _has_charge_of(actor, one)]

    async def remove_account(self, actor: Actor, name: str) -> None:
        """Remove an account; its sessions and tokens end at once."""
        async with self._database.transaction(EVERYTHING) as connection:
            _require_charge_of(actor, await self._known(connection, name))
            await store.delete_account(connection, name)

    async def issue_link(self, actor: Actor, name: str) -> Proof:
        """Make a one-time sign-in link, good for one hour."""
        async with self._database.transaction(EVERYTHING) as connection:
            _require_charge_of(actor, await self._known(connection, name))
            return await self._issue(connection, CredentialKind.LINK, name, "")

    async def sign_in_by_link(self, secret: Secret) -> tuple[Account, Proof]:
        """Use up a one-time link.

        Raises:
            UnauthenticatedError: It is unknown, used or too old.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            account = await store.take_link(connection, _digest(secret), self._clock.now())
            if account is None:
                raise UnauthenticatedError("kernel.link_spent")
            return account, await self._issue(connection, CredentialKind.SESSION, account.name, "")

    async def sign_in_by_password(self, name: str, password: Secret) -> tuple[Account, Proof]:
        """Open a session.

        Raises:
            UnauthenticatedError: Wrong name or password; which of them is not told.
            ForbiddenError: Too many failures in the last 15 minutes.
        """
        account = await self._may_try(name)
        kept = account.password_hash if account else ""
        if not await asyncio.to_thread(self._matches, kept, password) or account is None:
            raise UnauthenticatedError("kernel.sign_in_refused")
        async with self._database.transaction(EVERYTHING) as connection:
            await store.forget_failures(connection, name)
            return account, await self._issue(connection, CredentialKind.SESSION, name, "")

    async def set_password(self, actor: Actor, password: Secret) -> None:
        """Choose one's own password.

        Raises:
            InvalidInputError: It has under 12 characters.
        """
        if len(password.reveal()) < PASSWORD_MIN_LENGTH:
            raise InvalidInputError("kernel.password_short", least=PASSWORD_MIN_LENGTH)
        hashed = await asyncio.to_thread(self._hasher.hash, password.reveal())
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_password_hash(connection, actor.name, hashed)

    async def has_password(self, actor: Actor) -> bool:
        """Tell whether the actor's account has a password yet."""
        async with self._database.transaction(EVERYTHING) as connection:
            return (await self._known(connection, actor.name)).password_hash != ""

    async def set_language(self, actor: Actor, language: Language) -> None:
        """Keep the language that the actor reads."""
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_language(connection, actor.name, language)

    async def issue_token(self, actor: Actor, label: str) -> Proof:
        """Make a token for a program that acts as the actor, good for a year."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await self._issue(connection, CredentialKind.TOKEN, actor.name, label)

    async def tokens(self, actor: Actor) -> Sequence[Credential]:
        """Return the actor's tokens, without their secrets."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await store.tokens_of(connection, actor.name)

    async def withdraw(self, actor: Actor, digest: str) -> None:
        """End one of the actor's tokens or sessions."""
        async with self._database.transaction(EVERYTHING) as connection:
            if not await store.delete_credential(connection, actor.name, digest):
                raise NotFoundError("kernel.token_unknown")

    async def sign_out(self, secret: Secret) -> None:
        """End the session that a secret opened."""
        account = await self.who(secret)
        if account is not None:
            async with self._database.transaction(EVERYTHING) as connection:
                await store.delete_credential(connection, account.name, _digest(secret))

    async def who(self, secret: Secret) -> Actor | None:
        """Tell who a session or a token stands for."""
        async with self._database.transaction(EVERYTHING) as connection:
            account = await store.account_of(
                connection,
                _digest(secret),
                (CredentialKind.SESSION, CredentialKind.TOKEN),
                self._clock.now(),
            )
        return None if account is None else account.actor

    async def _may_try(self, name: str) -> Account | None:
        """Count a try as failed before it is made: tries side by side are then all counted."""
        now = self._clock.now()
        async with self._database.transaction(EVERYTHING) as connection:
            await store.take_turn_to_sign_in(connection, name)
            failures = await store.failures_since(connection, name, now - _FAILURES_WINDOW)
            if failures >= _FAILURES_ALLOWED:
                raise ForbiddenError("kernel.sign_in_paused", account=name)
            await store.note_failure(connection, name, now)
            return await store.account_named(connection, name)

    async def _known(self, connection: Connection, name: str) -> Account:
        account = await store.account_named(connection, name)
        if account is None:
            raise NotFoundError("kernel.account_unknown", account=name)
        return account

    async def _issue(
        self, connection: Connection, kind: CredentialKind, account: str, label: str
    ) -> Proof:
        now = self._clock.now()
        await store.delete_expired(connection, now)
        secret = generated_secret()
        credential = Credential(_digest(secret), kind, account, label, now, now + _LIFETIME[kind])
        await store.insert_credential(connection, credential)
        return Proof(secret, credential)

    def _matches(self, kept: str, password: Secret) -> bool:
        """Compare in about the same time whether or not the account exists."""
        try:
            return self._hasher.verify(kept or _HASH_OF_NOBODY, password.reveal())
        except (VerifyMismatchError, InvalidHashError):
            return False


def _has_charge_of(actor: Actor, account: Account) -> bool:
    """Tell whether the actor manages an account; only operators manage operators."""
    needed = Permission.RUN_PLATFORM if account.role is Role.OPERATOR else Permission.HOST
    return actor.may(needed, account.organisation)


def _require_charge_of(actor: Actor, account: Account) -> None:
    if not _has_charge_of(actor, account):
        raise ForbiddenError("kernel.not_allowed", actor=actor.name, permission=Permission.HOST)


def _digest(secret: Secret) -> str:
    return sha256(secret.reveal().encode()).hexdigest()


_HASH_OF_NOBODY = PasswordHasher().hash(generated_secret().reveal())
