"""The only SQL of accounts and credentials."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional, fetch_value
from beffroi.kernel.rights.model import Account, Credential, CredentialKind


async def put_account(connection: Connection, account: Account) -> None:
    """Write an account; keep the password and the language of one that exists."""
    await execute(
        connection,
        """
        insert into kernel.account
            (name, title, role, organisation, password_hash, language, created_at)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (name) do update set title = excluded.title, role = excluded.role,
            organisation = excluded.organisation
        """,
        (
            account.name,
            account.title,
            account.role,
            account.organisation,
            account.password_hash,
            account.language,
            account.created_at,
        ),
    )


async def account_named(connection: Connection, name: str) -> Account | None:
    """Return one account."""
    return await fetch_optional(
        connection, Account, "select * from kernel.account where name = %s", (name,)
    )


async def accounts(connection: Connection) -> Sequence[Account]:
    """Return every account."""
    return await fetch_all(connection, Account, "select * from kernel.account order by name")


async def delete_account(connection: Connection, name: str) -> int:
    """Remove an account and all its proofs."""
    return await execute(connection, "delete from kernel.account where name = %s", (name,))


async def set_password_hash(connection: Connection, name: str, password_hash: str) -> None:
    """Keep the hash of a new password."""
    await execute(
        connection,
        "update kernel.account set password_hash = %s where name = %s",
        (password_hash, name),
    )


async def set_language(connection: Connection, name: str, language: str) -> None:
    """Keep the language that a person chose."""
    await execute(
        connection, "update kernel.account set language = %s where name = %s", (language, name)
    )


async def insert_credential(connection: Connection, credential: Credential) -> None:
    """Keep the digest of a proof."""
    await execute(
        connection,
        """
        insert into kernel.credential (digest, kind, account, label, created_at, expires_at)
        values (%s, %s, %s, %s, %s, %s)
        """,
        (
            credential.digest,
            credential.kind,
            credential.account,
            credential.label,
            credential.created_at,
            credential.expires_at,
        ),
    )


async def account_of(
    connection: Connection, digest: str, kinds: Sequence[CredentialKind], now: datetime
) -> Account | None:
    """Return the account that a live proof of one of the kinds stands for."""
    return await fetch_optional(
        connection,
        Account,
        """
        select account.* from kernel.credential
        join kernel.account on account.name = credential.account
        where digest = %s and kind = any(%s) and expires_at > %s
        """,
        (digest, list(kinds), now),
    )


async def take_link(connection: Connection, digest: str, now: datetime) -> Account | None:
    """Use up a one-time link and return its account."""
    return await fetch_optional(
        connection,
        Account,
        """
        with taken as (
            delete from kernel.credential
            where digest = %s and kind = 'link' and expires_at > %s returning account
        )
        select account.* from taken join kernel.account on account.name = taken.account
        """,
        (digest, now),
    )


async def tokens_of(connection: Connection, account: str) -> Sequence[Credential]:
    """Return the tokens of an account, newest first."""
    return await fetch_all(
        connection,
        Credential,
        """
        select * from kernel.credential where account = %s and kind = 'token'
        order by created_at desc
        """,
        (account,),
    )


async def delete_credential(connection: Connection, account: str, digest: str) -> int:
    """Withdraw one proof of an account."""
    return await execute(
        connection,
        "delete from kernel.credential where account = %s and digest = %s",
        (account, digest),
    )


async def delete_expired(connection: Connection, now: datetime) -> None:
    """Forget what no longer proves anything."""
    await execute(connection, "delete from kernel.credential where expires_at <= %s", (now,))


async def take_turn_to_sign_in(connection: Connection, account: str) -> None:
    """Let one transaction at a time count the tries for an account."""
    await execute(
        connection,
        "select pg_advisory_xact_lock(hashtextextended('sign-in ' || %s, 0))",
        (account,),
    )


async def failures_since(connection: Connection, account: str, since: datetime) -> int:
    """Count recent failed sign-ins."""
    count: int = await fetch_value(
        connection,
        "select count(*) from kernel.failed_sign_in where account = %s and at > %s",
        (account, since),
    )
    return count


async def note_failure(connection: Connection, account: str, at: datetime) -> None:
    """Count a failed sign-in; forget those that no longer count, whoever they were for."""
    await execute(
        connection, "delete from kernel.failed_sign_in where at < %s", (at - timedelta(days=1),)
    )
    await execute(
        connection,
        "insert into kernel.failed_sign_in (account, at) values (%s, %s)",
        (account, at),
    )


async def forget_failures(connection: Connection, account: str) -> None:
    """Start counting anew after a sign-in."""
    await execute(connection, "delete from kernel.failed_sign_in where account = %s", (account,))
