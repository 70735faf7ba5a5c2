"""The secrets of applications: drawn when declared, sealed at rest, shown to their process."""

from collections.abc import Mapping, Sequence

from beffroi.hosting import store
from beffroi.kernel.database import Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.secrets import SealingKey, Secret, generated_secret
from beffroi.territory.model import Application

DATABASE_PASSWORD = "database password"  # noqa: S105 - the name of a secret


class Vault:
    """Keeps secrets in PostgreSQL, sealed with the machine's key."""

    def __init__(self, database: Database, key: SealingKey) -> None:
        self._database = database
        self._key = key

    async def ensure(self, application: Application) -> Mapping[str, Secret]:
        """Return an application's secrets by name; draw those that have no value yet."""
        wanted = [*application.secrets, *([DATABASE_PASSWORD] if application.database else [])]
        async with self._database.transaction(EVERYTHING) as connection:
            sealed = {
                secret.name: secret
                for secret in await store.sealed_secrets(connection, application.name)
            }
            for name in wanted:
                if name not in sealed:
                    sealed[name] = await store.drawn_secret(
                        connection,
                        application.name,
                        application.organisation,
                        name,
                        self._key.sealed(generated_secret(), _purpose(application.name, name)),
                    )
        return {name: self._opened(application.name, sealed[name]) for name in wanted}

    def _opened(self, application: str, secret: store.SealedSecret) -> Secret:
        return self._key.opened(secret.sealed, _purpose(application, secret.name))

    async def put(self, application: Application, name: str, value: Secret) -> None:
        """Give a secret another value; the next deployment or restart uses it."""
        async with self._database.transaction(EVERYTHING) as connection:
            await store.put_secret(
                connection,
                application.name,
                application.organisation,
                name,
                self._key.sealed(value, _purpose(application.name, name)),
            )

    async def names(self, scope: Scope, application: str) -> Sequence[store.SealedSecret]:
        """List an application's secrets, without their values."""
        async with self._database.transaction(scope) as connection:
            return await store.sealed_secrets(connection, application)


def _purpose(application: str, name: str) -> str:
    return f"{application}/{name}"
