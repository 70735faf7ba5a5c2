"""What browsers keep: style, scripts and the mark, under names that hold their digest."""

import gzip
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from beffroi.kernel.errors import NotFoundError

STATIC_PATH = "/static"
_KEPT_FOREVER = "public, max-age=31536000, immutable"
_MEDIA_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}


class Asset(msgspec.Struct, frozen=True):
    """A file as it is served; ``name`` changes with its content."""

    name: str
    media_type: str
    plain: bytes
    packed: bytes


def asset_path(file: str) -> str:
    """Return the address of a file of the folder ``static``."""
    return f"{STATIC_PATH}/{_assets()[file].name}"


@get(f"{STATIC_PATH}/{{name:str}}", include_in_schema=False, cache_control=None)
async def show_asset(name: FromPath[str], request: Request[Any, Any, State]) -> Response[bytes]:
    """Answer a file; a name that is no longer current is unknown."""
    asset = next((one for one in _assets().values() if one.name == name), None)
    if asset is None:
        raise NotFoundError("kernel.page_unknown")
    headers = {
        "Cache-Control": _KEPT_FOREVER,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        packed = headers | {"Content-Encoding": "gzip"}
        return Response(asset.packed, media_type=asset.media_type, headers=packed)
    return Response(asset.plain, media_type=asset.media_type, headers=headers)


@cache
def _assets() -> dict[str, Asset]:
    folder = files("beffroi.app.console").joinpath("static")
    return {
        file: _asset(file, media_type, folder.joinpath(file).read_bytes())
        for file, media_type in _MEDIA_TYPES.items()
    }


def _asset(file: str, media_type: str, content: bytes) -> Asset:
    stem, _, ending = file.rpartition(".")
    name = f"{stem}.{sha256(content).hexdigest()[:12]}.{ending}"
    return Asset(name, media_type, content, gzip.compress(content, mtime=0))
