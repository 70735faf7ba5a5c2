"""Errors that people read: a stable code, a sentence with its values, and the remedy.

The code ``hosting.quota_exceeded`` finds its two sentences in the catalogue of ``hosting``,
under ``errors.quota_exceeded.message`` and ``errors.quota_exceeded.remedy``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from beffroi.kernel.catalogue import Language, sentence


class BeffroiError(Exception):
    """Something a person must know of, told in the language they read."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def message(self, language: Language = Language.EN) -> str:
        """Say what happened, to what, with which values."""
        return self._told(language, "message")

    def remedy(self, language: Language = Language.EN) -> str:
        """Say what to do next."""
        return self._told(language, "remedy")

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:  # noqa: ARG002
        """List each mistake, where an error gathers several."""
        return ()

    def __str__(self) -> str:
        return f"{self.message()} {self.remedy()}"

    def _told(self, language: Language, part: str) -> str:
        package, _, name = self.code.partition(".")
        return sentence(language, f"{package}.errors.{name}.{part}", **self.values)


class InvalidInputError(BeffroiError):
    """The request or the file cannot mean anything."""

    status = 422


class ManyMistakesError(InvalidInputError):
    """Several mistakes, each already told in every language by another process."""

    def __init__(
        self, code: str, /, told: Mapping[Language, Sequence[dict[str, Any]]], **values: object
    ) -> None:
        super().__init__(code, **values)
        self._told_findings = told

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:
        """List each mistake with its place, its sentence and its remedy."""
        return tuple(self._told_findings[language])


class UnauthenticatedError(BeffroiError):
    """Nobody known asks."""

    status = 401


class ForbiddenError(BeffroiError):
    """The person is known and may not."""

    status = 403


class NotFoundError(BeffroiError):
    """The thing named does not exist, or not for this person."""

    status = 404


class ConflictError(BeffroiError):
    """The state of the thing forbids the change."""

    status = 409


class FailedError(BeffroiError):
    """The work was tried and did not succeed."""

    status = 500


class UnavailableError(BeffroiError):
    """Something needed does not answer for now."""

    status = 503
