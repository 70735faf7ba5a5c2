"""What programs ask of the types and attributes that there are."""

from collections.abc import Sequence

from beffroi.exchange import store
from beffroi.exchange.asking import inventory
from beffroi.exchange.asking.inventory import TypeUse
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, asking
from beffroi.exchange.errors import NonexistentTenantError
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import Actor


class Inventory:
    """Types and attributes of the entities that an actor may see."""

    def __init__(self, database: Database, guard: DataGuard = OWN_DATA) -> None:
        self._database = database
        self._guard = guard

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
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            found = await inventory.type_uses(connection, realm, type_iri, attribute)
            if not found and not await store.tenant_exists(connection, tenant):
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            return found

    async def type_names(self, actor: Actor, tenant: str) -> Sequence[Iri]:
        """Return the types, sorted.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            found = await inventory.type_names(connection, realm)
            if not found and not await store.tenant_exists(connection, tenant):
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            return found

    async def attribute_count(self, actor: Actor, tenant: str, attribute: Iri) -> int:
        """Count instances of an attribute."""
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            return await inventory.attribute_instances(connection, realm, attribute)
