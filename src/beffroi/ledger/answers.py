"""What the API and the pages of the ledger share: their parameters, and files as answers."""

from typing import Annotated

from litestar import Response
from litestar.params import PathParameter

from beffroi.ledger.documents.model import DocumentKind

Number = Annotated[str, PathParameter(max_length=64, description="A statement's number.")]
Kind = Annotated[DocumentKind, PathParameter(description="Which document.")]


def file_answer(content: bytes, media_type: str, name: str) -> Response[bytes]:
    """Answer a file that browsers keep under its name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
