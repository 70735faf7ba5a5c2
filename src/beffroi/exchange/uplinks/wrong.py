"""What is wrong with a message of a device."""

from beffroi.exchange.errors import ExchangeError
from beffroi.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class WrongMessageError(InvalidInputError):
    """A message cannot mean what its uplink declares."""


class OtherApplicationError(WrongMessageError):
    """A message of LoRaWAN is of another application than its uplink."""


class UplinkUnknownError(NotFoundError):
    """No uplink of the organisation is meant by a topic or an address."""


class UplinkPausedError(ConflictError):
    """The uplink takes nothing for now."""


def wrong_message(code: str, **values: object) -> WrongMessageError:
    """Say what is wrong with a message."""
    return WrongMessageError(code, **values)


def as_wrong(error: ExchangeError) -> WrongMessageError:
    """Tell as a mistake of a message what the reader of entities refused."""
    return WrongMessageError(error.code, **error.values)
