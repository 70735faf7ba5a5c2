"""Has documents made by a process of its own: typst and pyarrow stay out of the platform."""

from typing import Final

from beffroi.kernel.processes.workers import Told, asked_of_worker
from beffroi.ledger.documents.model import Documents, DocumentsRequest

_WORKER: Final = "beffroi.ledger.documents.worker"
_WITHIN_S: Final = 600.0


class DocumentsProcess:
    """Fills ``DocumentMaker``."""

    async def make(self, request: DocumentsRequest, told: Told) -> Documents:
        """Write the documents wanted into the request's folder."""
        return await asked_of_worker(_WORKER, request, Documents, told, deadline_s=_WITHIN_S)
