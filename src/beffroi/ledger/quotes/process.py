"""Has a quote's documents made by a process of its own: typst and openpyxl stay out of ours."""

from typing import Final

from beffroi.kernel.processes.workers import Told, asked_of_worker
from beffroi.ledger.quotes.documents import QuoteFiles, QuoteRequest

_WORKER: Final = "beffroi.ledger.quotes.worker"
_WITHIN_S: Final = 300.0


class QuoteDocumentsProcess:
    """Makes the documents of quotes."""

    async def make(self, request: QuoteRequest, told: Told) -> QuoteFiles:
        """Write the documents into the request's folder."""
        return await asked_of_worker(_WORKER, request, QuoteFiles, told, deadline_s=_WITHIN_S)
