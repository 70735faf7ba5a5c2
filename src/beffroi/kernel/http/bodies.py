"""Bodies of JSON, read so that none of them can exhaust the stack."""

from typing import Any

from litestar import Request

from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.nesting import DEEPEST, brackets, nests_too_deep


class NestedTooDeepError(BeffroiError):
    """The body is JSON that nobody can mean."""

    status = 400


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON may not nest deeper than 200 levels."""

    async def json(self) -> Any:  # noqa: ANN401 - as litestar has it
        """Decode the body.

        Raises:
            NestedTooDeepError: It nests too deep.
        """
        try:
            document = await super().json()
        except RecursionError as error:
            raise NestedTooDeepError("kernel.json_too_deep", deepest=DEEPEST) from error
        if brackets(await self.body()) > DEEPEST and nests_too_deep(document):
            raise NestedTooDeepError("kernel.json_too_deep", deepest=DEEPEST)
        return document
