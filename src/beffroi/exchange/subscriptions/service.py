"""What people and programs ask of subscriptions; and who is told of changes.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange import store as entity_store
from beffroi.exchange.asking.question import Window
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import (
    AlreadyExistsError,
    BadRequestDataError,
    NonexistentTenantError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Json
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.subscriptions import delivery_store, store
from beffroi.exchange.subscriptions.delivery_store import CHANNEL
from beffroi.exchange.subscriptions.matching import SUBSCRIPTION_CHANGED, Matcher
from beffroi.exchange.subscriptions.model import (
    CONTEXT_LINK,
    NAMES,
    DeadLetter,
    HeldSubscription,
    Status,
    Subscription,
    subscription_of,
)
from beffroi.exchange.subscriptions.periodic import Periodic
from beffroi.exchange.subscriptions.reading import checked_subscription, read_members
from beffroi.exchange.subscriptions.sending import Patience, Sender
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.leading import lead
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, Follower, LogWatch, append
from beffroi.kernel.rights.model import Actor, Permission

_GATHERING_S: Final = 0.05
FOLLOWER: Final = "exchange.subscriptions"
_LEADER_LOCK: Final = 0x737562
_DEAD_LETTERS_MOST: Final = 1_000


class Needs(msgspec.Struct, frozen=True):
    """What subscriptions need of others.

    Attributes:
        watch: Running.
        outgoing: Open as long as ``run`` runs.
    """

    database: Database
    watch: LogWatch
    outgoing: Outgoing
    contexts: Contexts
    clock: Clock
    guard: DataGuard = OWN_DATA


class SubscriptionPage(msgspec.Struct, frozen=True):
    """A part of a tenant's subscriptions."""

    subscriptions: tuple[HeldSubscription, ...]
    count: int | None
    more: bool


class Subscriptions:
    """Subscriptions: kept, matched with what the log tells, and told of it.

    ``run`` may run in several processes: one of them matches and sends, and another takes over
    when it ends.
    """

    def __init__(self, services: Needs, patience: Patience | None = None) -> None:
        self._database = services.database
        self._contexts = services.contexts
        self._clock = services.clock
        self._matcher = Matcher(services.clock, services.guard)
        self._follower = Follower(
            FOLLOWER,
            services.database,
            services.watch,
            self._matcher.handle,
            self._matcher,
            rest_s=_GATHERING_S,
        )
        self._periodic = Periodic(services.database, services.watch, services.clock, services.guard)
        self._sender = Sender(
            services.database,
            services.outgoing,
            services.contexts,
            services.clock,
            patience or Patience(),
            services.guard,
        )

    async def run(self) -> None:
        """Match and send until cancelled, while no other process does."""
        await lead(self._database, _LEADER_LOCK, CHANNEL, self._serve)

    async def _serve(self, woken: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run())
            tasks.create_task(self._periodic.run())
            tasks.create_task(self._sender.run(woken))

    async def create(self, actor: Actor, tenant: str, given: Json, context: Context) -> str:
        """Keep a subscription; return its id.

        Raises:
            BadRequestDataError: It is none.
            AlreadyExistsError: There is one of its id.
            LdContextNotAvailableError: The @context for its notifications cannot be had.
        """
        actor.require(Permission.WRITE_DATA, actor.organisation)
        now = self._clock.now()
        members = read_members(given, context)
        document = {name: value for name, value in members.items() if value is not None}
        document.setdefault("id", f"urn:ngsi-ld:Subscription:{new_id(now)}")
        subscription = checked_subscription(document, now)
        await self._check_context(tenant, subscription)
        link = context.link or await self._contexts.implicit(tenant, context.source)
        added = store.NewSubscription(
            tenant=tenant,
            organisation=actor.organisation,
            everything=actor.scope.everything,
            document=document | {CONTEXT_LINK: link},
            due_at=_due_at(subscription, now),
            created_at=now,
        )
        async with self._database.transaction(EVERYTHING) as connection:
            await entity_store.add_tenants(connection, [tenant])
            if not await store.add_subscription(connection, added):
                raise AlreadyExistsError("exchange.subscription_exists", id=subscription.id)
            await _tell(connection, tenant, subscription.id, actor.organisation)
        return subscription.id

    async def update(
        self, actor: Actor, tenant: str, subscription_id: str, given: Json, context: Context
    ) -> None:
        """Put members in the place of those of a subscription; null takes one away.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may change.
            BadRequestDataError: It would be none any more.
        """
        members = read_members(given, context)
        if members.get("id", subscription_id) != subscription_id:
            raise BadRequestDataError("exchange.subscription_other_id", id=subscription_id)
        if "q" in members:
            members.setdefault(NAMES, None)
        now = self._clock.now()
        async with self._database.transaction(actor.scope) as connection:
            held = await store.subscription_by_id(
                connection, tenant, subscription_id, for_update=True
            )
            if held is None:
                raise await _unknown(connection, tenant, subscription_id)
            actor.require(Permission.WRITE_DATA, held.organisation)
            document = {
                name: value
                for name, value in (held.document | members).items()
                if value is not None
            }
            checked_at = now if "expiresAt" in members else datetime.min.replace(tzinfo=now.tzinfo)
            subscription = checked_subscription(document, checked_at)
            if "jsonldContext" in members:
                await self._check_context(tenant, subscription)
            was = subscription_of(held.document).status(now)
            is_active = subscription.status(now) is Status.ACTIVE
            await store.change_subscription(
                connection,
                held.number,
                document,
                due_at=_due_at(subscription, now),
                resumed=is_active and was is not Status.ACTIVE,
                now=now,
            )
            await _tell(connection, tenant, subscription_id, held.organisation)

    async def delete(self, actor: Actor, tenant: str, subscription_id: str) -> None:
        """Delete a subscription: nothing more of it is sent.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may delete.
        """
        async with self._database.transaction(actor.scope) as connection:
            held = await store.subscription_by_id(connection, tenant, subscription_id)
            if held is None:
                raise await _unknown(connection, tenant, subscription_id)
            actor.require(Permission.WRITE_DATA, held.organisation)
            await store.delete_subscription(connection, held.number)
            await _tell(connection, tenant, subscription_id, held.organisation)

    async def subscription(
        self, actor: Actor, tenant: str, subscription_id: str
    ) -> HeldSubscription:
        """Return a subscription.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
        """
        async with self._database.transaction(actor.scope) as connection:
            held = await store.subscription_by_id(connection, tenant, subscription_id)
            if held is None:
                raise await _unknown(connection, tenant, subscription_id)
            return self._as_told(held)

    async def page(self, actor: Actor, tenant: str, window: Window) -> SubscriptionPage:
        """Return some of a tenant's subscriptions that the actor may see, the oldest first.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        async with self._database.transaction(actor.scope) as connection:
            if not await entity_store.tenant_exists(connection, tenant):
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            found = await store.subscriptions_of(connection, tenant, window)
            count = None
            if window.count:
                count = await store.count_subscriptions(connection, tenant)
        shown = tuple(map(self._as_told, found[: window.limit]))
        return SubscriptionPage(shown, count, len(found) > window.limit)

    async def dead_letters(
        self, actor: Actor, tenant: str, subscription_id: str
    ) -> Sequence[DeadLetter]:
        """Return the notifications that were tried too often, at most 1,000."""
        held = await self.subscription(actor, tenant, subscription_id)
        async with self._database.transaction(EVERYTHING) as connection:
            return await delivery_store.dead_letters(connection, held.number, _DEAD_LETTERS_MOST)

    async def reason_to_wait(self, actor: Actor, tenant: str, subscription_id: str) -> str:
        """Return why its receiver did not take what waits for it; nothing: not known."""
        held = await self.subscription(actor, tenant, subscription_id)
        async with self._database.transaction(EVERYTHING) as connection:
            return await delivery_store.reason_to_wait(connection, held)

    async def replay(self, actor: Actor, tenant: str, subscription_id: str) -> int:
        """Send dead letters again, to the endpoint that is the subscription's now.

        Returns:
            How many there are.
        """
        held = await self.subscription(actor, tenant, subscription_id)
        actor.require(Permission.WRITE_DATA, held.organisation)
        uri = subscription_of(held.document).notification.endpoint.uri
        async with self._database.transaction(EVERYTHING) as connection:
            return await delivery_store.replay(connection, held.number, uri)

    def _as_told(self, held: HeldSubscription) -> HeldSubscription:
        return msgspec.structs.replace(held, told=self._sender.told(held))

    async def _check_context(self, tenant: str, subscription: Subscription) -> None:
        if subscription.jsonld_context is not None:
            await self._contexts.resolved(tenant, subscription.jsonld_context)


def _due_at(subscription: Subscription, now: datetime) -> datetime | None:
    interval_s = subscription.time_interval
    if interval_s is None or subscription.status(now) is not Status.ACTIVE:
        return None
    return now + timedelta(seconds=interval_s)


async def _tell(
    connection: Connection, tenant: str, subscription_id: str, organisation: str
) -> None:
    event = Event(SUBSCRIPTION_CHANGED, subscription_id, organisation, {"tenant": tenant})
    await append(connection, event)


async def _unknown(
    connection: Connection, tenant: str, subscription_id: str
) -> ResourceNotFoundError | NonexistentTenantError:
    if not await entity_store.tenant_exists(connection, tenant):
        return NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
    return ResourceNotFoundError("exchange.subscription_unknown", id=subscription_id)
