"""What programs ask of the types and attributes that there are."""

from collections.abc import Sequence

from beffroi.exchange import inventory, store
from beffroi.exchange.errors import NonexistentTenantError
from beffroi.exchange.inventory import TypeUse
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import Actor


class Inventory:
    """Types and attributes of the entities that an actor may see."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def uses(
        self,
        actor: Actor,
        tenant: str,
        *,
        type_iri: Iri | None = None,
        attribute: Iri | None = None,
    ) -> Sequence[TypeUse]:
        """Return types with their attributes.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        async with self._database.transaction(actor.scope) as connection:
            found = await inventory.type_uses(connection, tenant, type_iri, attribute)
            if not found and not await store.tenant_exists(connection, tenant):
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            return found

    async def attribute_count(self, actor: Actor, tenant: str, attribute: Iri) -> int:
        """Count instances of an attribute."""
        async with self._database.transaction(actor.scope) as connection:
            return await inventory.attribute_instances(connection, tenant, attribute)
