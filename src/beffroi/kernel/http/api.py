"""What the API routers of every domain share."""

from typing import Annotated

from litestar import Router
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

API_PATH = "/api"
Name = Annotated[str, PathParameter(max_length=64, description="Name, as in the territory file.")]


def api_router(tag: str, *handlers: ControllerRouterHandler) -> Router:
    """Group the handlers of one domain under ``/api``."""
    return Router(path=API_PATH, route_handlers=handlers, tags=[tag])
