"""Subscriptions written as JSON, with the names of whoever asks.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 and 5.2.14.
"""

import re
from datetime import datetime
from typing import Any, Final

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.subscriptions.model import (
    CONTEXT_LINK,
    NAMES,
    USUAL_TRIGGERS,
    HeldSubscription,
    Told,
    subscription_of,
)

_TYPE_NAME: Final = re.compile(r"[^();|,\s]+")


def written_subscription(
    held: HeldSubscription, context: Context, now: datetime, *, sys_attrs: bool = False
) -> dict[str, Json]:
    """Write a subscription, without its "@context".

    Args:
        held: What to write.
        context: Which names to write it with.
        now: When its status is asked for.
        sys_attrs: Tell when it came and when it changed.
    """
    document = held.document
    result = {name: value for name, value in document.items() if name not in {NAMES, CONTEXT_LINK}}
    result.setdefault("jsonldContext", document.get(CONTEXT_LINK))
    if "timeInterval" not in document or "notificationTrigger" in document:
        result.setdefault("notificationTrigger", list(USUAL_TRIGGERS))
    for name in ("watchedAttributes", "expandValues"):
        if name in result:
            result[name] = [context.compact(one) for one in result[name]]
    if "entities" in result:
        result["entities"] = [_selector(one, context) for one in result["entities"]]
    if "geoproperty" in result.get("geoQ", {}):
        place = result["geoQ"]
        result["geoQ"] = place | {"geoproperty": context.compact(place["geoproperty"])}
    result["notification"] = _notifying(result["notification"], context, held.told)
    result["status"] = subscription_of(document).status(now)
    if sys_attrs:
        result["createdAt"] = written_instant(held.created_at)
        result["modifiedAt"] = written_instant(held.modified_at)
    return result


def _selector(selector: dict[str, Json], context: Context) -> Json:
    types = _TYPE_NAME.sub(lambda name: context.compact(name[0]), selector["type"])
    return selector | {"type": types}


def _notifying(given: dict[str, Json], context: Context, told: Told) -> dict[str, Json]:
    result: dict[str, Any] = dict(given)
    for name in ("attributes", "pick", "omit"):
        if name in result:
            result[name] = [context.compact(one) if ":" in one else one for one in result[name]]
    if told.times_sent:
        result["timesSent"] = told.times_sent
    if told.times_failed:
        result["timesFailed"] = told.times_failed
    if told.last_notification is not None:
        failed = told.last_failure is not None and (
            told.last_success is None or told.last_success < told.last_failure
        )
        result["status"] = "failed" if failed else "ok"
        result["lastNotification"] = written_instant(told.last_notification)
    if told.last_success is not None:
        result["lastSuccess"] = written_instant(told.last_success)
    if told.last_failure is not None:
        result["lastFailure"] = written_instant(told.last_failure)
    return result
