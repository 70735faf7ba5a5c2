"""Errors as pages."""

from typing import Any

from litestar import Response
from litestar.response import Redirect, Template

from beffroi.app.console.own_paths import sign_in_path
from beffroi.app.console.security import PAGE_HEADERS
from beffroi.app.console.shell import PageRequest
from beffroi.kernel.errors import UnauthenticatedError
from beffroi.kernel.http.problems import as_beffroi_error


def error_page(request: PageRequest, exception: Exception) -> Response[Any]:
    """Answer a page that ended in an exception; lead who is not signed in to the sign-in page."""
    error = as_beffroi_error(exception, request)
    if isinstance(error, UnauthenticatedError) and request.method in ("GET", "HEAD"):
        if "hx-request" in request.headers:
            # A part that refreshes itself: the whole page is to be asked for again.
            return Response(b"", status_code=401, headers={"HX-Refresh": "true"})
        query = f"?{request.url.query}" if request.url.query else ""
        return Redirect(sign_in_path(request.url.path + query), status_code=303)
    return Template(
        "console/error.html",
        context={"error": error},
        status_code=error.status,
        headers=dict(PAGE_HEADERS),
    )
