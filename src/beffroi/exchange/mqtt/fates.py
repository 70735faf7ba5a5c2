"""What became of messages, as their senders are told it."""

import logging
from collections.abc import Sequence

import msgspec

from beffroi.exchange.mqtt.ports import Fate, Intake
from beffroi.exchange.mqtt.protocol import Reason
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.errors import BeffroiError, UnavailableError
from beffroi.kernel.rights.model import Actor

_logger = logging.getLogger(__name__)


class Fates(msgspec.Struct, frozen=True):
    """What is answered to messages.

    Attributes:
        reasons: Of the first messages, in their order.
        ending: Why the connection ends: of the messages after those nobody knows whether they are
            committed, so that they are not answered and their sender sends them again.
    """

    reasons: Sequence[int]
    ending: Reason | None = None


async def fates_of(intake: Intake, actor: Actor, messages: Sequence[UplinkMessage]) -> Fates:
    """Take messages in; tell what is answered to each."""
    try:
        fates = await intake.received(actor, messages)
    except UnavailableError:
        return Fates((), Reason.BUSY)
    except BeffroiError as error:
        return Fates([reason_of(error)] * len(messages))
    except Exception:
        _logger.exception("BUG in uplinks of account=%s", actor.name)
        return Fates((), Reason.UNSPECIFIED)
    if not any(fates):
        return Fates([0] * len(messages))
    reasons: list[int] = []
    for one in fates:
        if isinstance(one, UnavailableError):
            return Fates(reasons, Reason.BUSY)
        reasons.append(reason_of(one))
    return Fates(reasons)


def reason_of(fate: Fate) -> Reason:
    """Return the reason code that says best what became of a message."""
    if fate is None:
        return Reason.SUCCESS
    if fate.status in (401, 403, 409):
        return Reason.NOT_AUTHORIZED
    if fate.status == 404:
        return Reason.TOPIC_INVALID
    return Reason.PAYLOAD_INVALID if fate.status < 500 else Reason.IMPLEMENTATION
