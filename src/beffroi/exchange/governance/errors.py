"""What can go wrong with rules, exports and erasures."""

from collections.abc import Iterable
from typing import Any

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError, NotFoundError
from beffroi.territory.findings import Finding, Mistake, Place


class RuleUnknownError(NotFoundError):
    """There is no treatment or policy of that name, or not for this asker."""


class RuleRefusedError(InvalidInputError):
    """A treatment or a policy contradicts itself."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        super().__init__("exchange.rule_refused", name=name)
        self._found = tuple(Finding.of(one, Place(name)) for one in mistakes)

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:
        """List each mistake with its sentence and its remedy."""
        return tuple(finding.as_json(language) for finding in self._found)


class SubjectRefusedError(InvalidInputError):
    """What is asked about a person cannot be done as asked."""
