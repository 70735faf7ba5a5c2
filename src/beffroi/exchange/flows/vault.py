"""The secrets that flows authenticate with: sealed at rest, named in declarations."""

from collections.abc import Sequence
from typing import Final

from beffroi.exchange.flows import store
from beffroi.exchange.flows.errors import DeclarationRefusedError, FlowFailedError
from beffroi.exchange.flows.store import SecretName
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.secrets import SealingKey, Secret

_NAME_MOST: Final = 100
_VALUE_MOST: Final = 16_384


class FlowVault:
    """Keeps secrets in PostgreSQL, sealed with the machine's key."""

    def __init__(self, database: Database, key: SealingKey) -> None:
        self._database = database
        self._key = key

    async def put(self, actor: Actor, organisation: str, name: str, value: Secret) -> None:
        """Give a secret a value; flows that begin anew use it.

        Raises:
            DeclarationRefusedError: It has no name or value, or too long a one.
        """
        actor.require(Permission.WRITE_DATA, organisation)
        if not 0 < len(name) <= _NAME_MOST or not 0 < len(value.reveal()) <= _VALUE_MOST:
            raise DeclarationRefusedError("exchange.flow_secret_size", most=_VALUE_MOST)
        sealed = self._key.sealed(value, _purpose(organisation, name))
        async with self._database.transaction(EVERYTHING) as connection:
            await store.put_secret(connection, organisation, name, sealed)
            await store.wake(connection)

    async def names(self, actor: Actor, organisation: str) -> Sequence[SecretName]:
        """List an organisation's secrets, without their values."""
        actor.require(Permission.WRITE_DATA, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            return await store.secret_names(connection, organisation)

    async def secret(self, organisation: str, name: str) -> Secret:
        """Return a secret to who needs it.

        Raises:
            FlowFailedError: It has no value yet.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            sealed = await store.sealed_secret(connection, organisation, name)
        if sealed is None:
            raise FlowFailedError("exchange.flow_secret_unset", name=name)
        return self._key.opened(sealed, _purpose(organisation, name))


def _purpose(organisation: str, name: str) -> str:
    return f"exchange flow/{organisation}/{name}"
