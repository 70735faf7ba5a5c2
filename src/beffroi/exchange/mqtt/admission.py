"""Who may come in, and what it is told."""

from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.api.askers import Askers
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.peers import Claim
from beffroi.exchange.mqtt.protocol import Connect, Properties, Property, Reason, Version
from beffroi.kernel.errors import BeffroiError, UnauthenticatedError
from beffroi.kernel.ids import new_id
from beffroi.kernel.rights.model import Actor, Permission

_CLIENT_ID_MOST: Final = 256


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A client that may send.

    Attributes:
        token: What it presented: looked at again from time to time.
        told: Properties of the CONNACK.
        claim: To its name, where several processes listen.
    """

    actor: Actor
    client_id: str
    token: str
    keep_alive_s: int
    told: Properties
    claim: Claim | None = None


class Refused(msgspec.Struct, frozen=True):
    """A client that may not."""

    reason: Reason


async def admission(
    wanted: Connect, askers: Askers, limits: Limits, now: datetime
) -> Admitted | Refused:
    """Decide on a CONNECT: the user name is an account, the password one of its tokens."""
    reason = _reason_not_to_talk(wanted)
    if reason is not None:
        return Refused(reason)
    token = (wanted.password or b"").decode("latin-1")
    actor = await actor_of(wanted.user_name or "", token, askers)
    if isinstance(actor, Reason):
        return Refused(actor)
    keep_alive_s = wanted.keep_alive_s
    if wanted.version is Version.V5:
        keep_alive_s = min(keep_alive_s or limits.keep_alive_most_s, limits.keep_alive_most_s)
    client_id = wanted.client_id or f"beffroi-{new_id(now)}"
    told: Properties = {
        Property.RECEIVE_MAXIMUM: limits.in_flight_most,
        Property.MAXIMUM_QOS: 1,
        Property.PACKET_MOST: limits.packet_most_bytes,
        Property.WILDCARD_AVAILABLE: 0,
        Property.SUBSCRIPTION_IDS_AVAILABLE: 0,
        Property.SHARED_AVAILABLE: 0,
    }
    if wanted.properties.get(Property.SESSION_EXPIRY):
        told[Property.SESSION_EXPIRY] = 0
    if not wanted.client_id:
        told[Property.ASSIGNED_CLIENT_ID] = client_id
    if keep_alive_s != wanted.keep_alive_s:
        told[Property.SERVER_KEEP_ALIVE] = keep_alive_s
    return Admitted(
        actor=actor, client_id=client_id, token=token, keep_alive_s=keep_alive_s, told=told
    )


async def actor_of(name: str, token: str, askers: Askers) -> Actor | Reason:
    """Return whom a token stands for, or why it may not send."""
    if not token:
        return Reason.NOT_AUTHORIZED
    try:
        actor = await askers.of_proof(token)
    except UnauthenticatedError:
        return Reason.BAD_CREDENTIALS
    except BeffroiError:
        return Reason.UNAVAILABLE
    if actor.name != name:
        return Reason.BAD_CREDENTIALS
    if not actor.may(Permission.WRITE_DATA, actor.organisation):
        return Reason.NOT_AUTHORIZED
    return actor


def _reason_not_to_talk(wanted: Connect) -> Reason | None:
    if Property.AUTH_METHOD in wanted.properties:
        return Reason.BAD_METHOD
    if wanted.will_qos == 2 and wanted.version is Version.V5:
        return Reason.QOS_NOT_SUPPORTED
    if len(wanted.client_id) > _CLIENT_ID_MOST:
        return Reason.CLIENT_ID_INVALID
    if not wanted.client_id and not wanted.clean and wanted.version is Version.V3:
        return Reason.CLIENT_ID_INVALID
    return None
