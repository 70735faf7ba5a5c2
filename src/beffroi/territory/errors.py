"""What makes a territory refused."""

from typing import Any

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.findings import Finding


class TerritoryInvalidError(InvalidInputError):
    """A territory file has mistakes; ``found`` holds them all, sorted by place."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("territory.invalid", count=len(findings))
        self.found = findings

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:
        """List each mistake with its place, its sentence and its remedy."""
        return tuple(finding.as_json(language) for finding in self.found)

    def told(self, language: Language) -> str:
        """Write every finding with its place and its remedy."""
        return "\n".join(finding.told(language) for finding in self.found)
