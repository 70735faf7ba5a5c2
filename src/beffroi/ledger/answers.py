"""What the API and the pages of the ledger share: their parameters, and files as answers."""

from typing import Annotated, Final

from litestar import Response
from litestar.params import PathParameter

from beffroi.ledger.documents.model import DocumentKind, TableFormat

Number = Annotated[str, PathParameter(max_length=64, description="A statement's number.")]
Kind = Annotated[DocumentKind, PathParameter(description="Which document.")]
FIRST_YEAR: Final = 2001
LAST_YEAR: Final = 2098
Year = Annotated[
    int, PathParameter(ge=FIRST_YEAR, le=LAST_YEAR, description="The year of the budget.")
]
Format = Annotated[TableFormat, PathParameter(description="pdf or csv.")]


def file_answer(content: bytes, media_type: str, name: str) -> Response[bytes]:
    """Answer a file that browsers keep under its name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
