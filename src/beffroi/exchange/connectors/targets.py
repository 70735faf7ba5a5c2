"""What a connector writes to, whatever its kind."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import msgspec

from beffroi.exchange.connectors.declared import Target
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import HeldFlow

TargetT_contra = TypeVar("TargetT_contra", bound=Target, contravariant=True)


class ReceiverRefusedError(DeclarationRefusedError):
    """The receiver is there, and does not want these changes."""


class Pace(msgspec.Struct, frozen=True):
    """How much a target takes at once.

    Attributes:
        rows_most: In one delivery.
        gather_s: How long to wait for more before one that is not full.
    """

    rows_most: int
    gather_s: float = 0.0


class OpenTarget(Protocol):
    """A target that changes can be delivered to.

    Attributes:
        keeps_last: It holds the last state of each entity, rather than every change.
    """

    pace: Pace
    keeps_last: bool

    async def deliver(self, changes: Sequence[Change]) -> None:
        """Hand changes over, in their order; return once the receiver has them for good.

        Raises:
            ReceiverRefusedError: It wants none of them; one by one, it may want some.
            BeffroiError: It does not answer as it should; to be tried again.
        """
        ...


class TargetDriver(Protocol[TargetT_contra]):
    """Opens targets of one kind."""

    def opened(
        self, flow: HeldFlow, target: TargetT_contra, names: Sequence[str]
    ) -> AbstractAsyncContextManager[OpenTarget]:
        """Connect, and check that the target fits; it is closed when the block is left.

        Args:
            flow: Whose it is.
            target: What it declares.
            names: Of the fields of every row.
        """
        ...
