"""What can go wrong with flows and their declarations."""

from beffroi.kernel.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError


class FlowUnknownError(NotFoundError):
    """There is no flow of that name, or not for this asker."""


class FlowNameTakenError(ConflictError):
    """Another file declares a flow of that name."""


class DeclarationRefusedError(InvalidInputError):
    """What is declared cannot be kept."""


class ReplayTooEarlyError(InvalidInputError):
    """The log does not go back to where a flow is to begin again."""


class FlowReplacedError(UnavailableError):
    """The flow was changed meanwhile: whoever carries it begins anew."""


class FlowFailedError(UnavailableError):
    """What a flow reads from or writes to does not answer as it should; it is tried again."""
