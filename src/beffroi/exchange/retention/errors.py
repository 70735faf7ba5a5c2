"""What can go wrong with retention."""

from beffroi.kernel.errors import InvalidInputError, NotFoundError


class RetentionUnknownError(NotFoundError):
    """Nothing is declared of that type, or not for this asker."""


class RetentionRefusedError(InvalidInputError):
    """Figures would go before what they are reckoned from."""
