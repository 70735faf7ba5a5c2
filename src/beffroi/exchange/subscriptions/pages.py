"""What the console offers of subscriptions: parse, call one verb, render."""

from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.asking.question import Window
from beffroi.exchange.console.asked import Asking, asked
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.subscriptions.model import (
    HeldSubscription,
    Status,
    Subscription,
    subscription_of,
)
from beffroi.exchange.viewing.figures import Addresses, in_path, out_of_path
from beffroi.exchange.viewing.overview import is_failing
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.rights.model import Permission

_LISTED_MOST: Final = 25
_DEAD_SHOWN: Final = 20
_PATH: Final = "/exchange/subscriptions"
_MARKS: Final = {Status.ACTIVE: "ok", Status.PAUSED: "retired", Status.EXPIRED: "retired"}
_REASONS: Final = frozenset(
    {"no_answer", "no_answer_in_time", "address_internal", "broker_refuses"}
)
SubscriptionId = Annotated[str, PathParameter(max_length=6_000, description="Its id.")]


class ShownSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription on a page.

    Attributes:
        status: "failing" where its receiver was not told when it was tried last.
        mark: Of its state.
        receiver: Where to, without what may be secret in the address.
        types: In full; none: any.
    """

    held: HeldSubscription
    subscription: Subscription
    name: str
    address: str
    status: str
    mark: str
    receiver: str
    types: tuple[str, ...]
    watched: tuple[str, ...]


@get(_PATH)
async def show_subscriptions(
    asking: NamedDependency[Asking],
    exchange: NamedDependency[ExchangeServices],
    flows: NamedDependency[Flows],
    after: FromQuery[int] = 0,
) -> Template:
    """Show who is told of what, and whether it arrives."""
    start = max(0, after)
    window = Window(offset=start, limit=_LISTED_MOST, count=True)
    page = await exchange.subscriptions.page(asking.actor, asking.tenant, window)
    context = {
        **asking.context,
        "subscriptions": [_shown(one, flows) for one in page.subscriptions],
        "count": page.count,
        "several": len({one.organisation for one in page.subscriptions}) > 1,
        "before": asking.addresses.of(_PATH, after=start - _LISTED_MOST or "") if start else "",
        "following": asking.addresses.of(_PATH, after=start + _LISTED_MOST) if page.more else "",
        "door": f"{exchange.public_url.rstrip('/')}/ngsi-ld/v1",
    }
    return Template("exchange/subscriptions.html", context=context)


@get(_PATH + "/{subscription_id:str}")
async def show_subscription(
    subscription_id: SubscriptionId,
    asking: NamedDependency[Asking],
    exchange: NamedDependency[ExchangeServices],
    flows: NamedDependency[Flows],
) -> Template:
    """Show what a subscription selects, whom it tells, and what could not be told."""
    key = (asking.actor, asking.tenant, out_of_path(subscription_id))
    held = await exchange.subscriptions.subscription(*key)
    dead = await exchange.subscriptions.dead_letters(*key)
    context = {
        **asking.context,
        "one": _shown(held, flows),
        "reason": _told(await exchange.subscriptions.reason_to_wait(*key), asking.language),
        "dead": [(one, _told(one.reason, asking.language)) for one in dead[:_DEAD_SHOWN]],
        "dead_count": len(dead),
        "may_change": asking.actor.may(Permission.WRITE_DATA, held.organisation),
        "send_again": asking.addresses.of(f"{_PATH}/{in_path(held.document['id'])}/send-again"),
    }
    return Template("exchange/subscription.html", context=context)


@post(_PATH + "/{subscription_id:str}/send-again")
async def send_again(
    subscription_id: SubscriptionId,
    asking: NamedDependency[Asking],
    exchange: NamedDependency[ExchangeServices],
) -> Redirect:
    """Send again what could not be told."""
    key = (asking.actor, asking.tenant, out_of_path(subscription_id))
    await exchange.subscriptions.replay(*key)
    held = await exchange.subscriptions.subscription(*key)
    return Redirect(address_of(held), status_code=303)


def router() -> Router:
    """Return the pages of subscriptions."""
    return Router(
        path="/",
        route_handlers=[show_subscriptions, show_subscription, send_again],
        dependencies={"asking": Provide(asked)},
    )


def address_of(held: HeldSubscription) -> str:
    """Return the page of a subscription."""
    return Addresses(held.tenant).of(f"{_PATH}/{in_path(held.document['id'])}")


def name_of(held: HeldSubscription) -> str:
    """Return what people call a subscription: its name where it has one, else its id."""
    return str(held.document.get("subscriptionName") or held.document["id"])


def _shown(held: HeldSubscription, flows: Flows) -> ShownSubscription:
    subscription = subscription_of(held.document)
    status = subscription.status(flows.now())
    fails = status is Status.ACTIVE and is_failing(held)
    return ShownSubscription(
        held=held,
        subscription=subscription,
        name=name_of(held),
        address=address_of(held),
        status="failing" if fails else str(status),
        mark="failed" if fails else _MARKS[status],
        receiver=_receiver(subscription.notification.endpoint.uri),
        types=tuple(dict.fromkeys(one.type for one in subscription.entities or ())),
        watched=tuple(subscription.watched_attributes or ()),
    )


def _told(reason: str, language: Language) -> str:
    """Tell people why a receiver was not told; what it answered stands for itself."""
    name = reason.removeprefix("exchange.")
    return (
        sentence(language, f"exchange.subscriptions.reasons.{name}") if name in _REASONS else reason
    )


def _receiver(uri: str) -> str:
    """Leave out the user, the password and the query of an address: they may be secret."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
