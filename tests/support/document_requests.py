"""Requests for documents of the sample month."""

from collections.abc import Sequence
from decimal import Decimal

from beffroi.kernel.catalogue import Language
from beffroi.ledger.documents.model import DocumentKind, DocumentsRequest
from beffroi.ledger.model import Statement
from tests.support.drancy_statements import (
    ACCOUNTS,
    drancy_days,
    drancy_history,
    drancy_statements,
)


def request_of(
    statements: Sequence[Statement] = (),
    folder: str = "",
    kinds: Sequence[DocumentKind] = (),
    language: Language = Language.FR,
) -> DocumentsRequest:
    """Ask for documents of some statements, of all of the sample where none is given."""
    return DocumentsRequest(
        kinds=tuple(kinds),
        accounts=ACCOUNTS,
        statements=tuple(statements) or drancy_statements(),
        folder=folder,
        language=language,
        days=drancy_days(),
        history=drancy_history(),
        grid_g_per_kwh=Decimal(52),
        grid_source="RTE éCO2mix 2025",
    )
