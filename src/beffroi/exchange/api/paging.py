"""Parts of long answers, and the links between them.

Source: ETSI GS CIM 009 v1.9.1, clauses 6.3.10 and 6.3.13.
"""

from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from beffroi.exchange.api.answers import Header
from beffroi.exchange.api.door import DOOR_PATH
from beffroi.exchange.api.requests import Request
from beffroi.exchange.asking.question import Window
from beffroi.exchange.errors import BadRequestDataError, TooManyResultsError

PARAMETERS: Final = frozenset({"limit", "offset", "count"})
LIMIT_USUAL: Final = 20
LIMIT_MOST: Final = 1_000
RESULTS_COUNT: Final = b"ngsild-results-count"


def read_window(request: Request) -> Window:
    """Read which part of the answers is asked for.

    Raises:
        InvalidRequestError: A parameter is no count.
        BadRequestDataError: Nothing is asked for.
        TooManyResultsError: It would be more than 1,000 at once.
    """
    limit, count = request.number("limit", LIMIT_USUAL), request.flag("count")
    if limit > LIMIT_MOST:
        raise TooManyResultsError("exchange.limit_too_high", limit=limit, most=LIMIT_MOST)
    if limit == 0 and not count:
        raise BadRequestDataError("exchange.limit_without_count")
    return Window(request.number("offset", 0), limit, count)


def paging_headers(
    request: Request, window: Window, media_type: str, *, count: int | None, more: bool
) -> list[Header]:
    """Return the headers that tell how many there are and where the other parts are."""
    headers: list[Header] = []
    if count is not None:
        headers.append((RESULTS_COUNT, str(count).encode()))
    if window.limit:
        targets = {"prev": max(0, window.offset - window.limit) if window.offset else None}
        targets["next"] = window.offset + window.limit if more else None
        headers.extend(
            (b"link", f'<{_target(request, window, to)}>;rel="{name}";type="{media_type}"'.encode())
            for name, to in targets.items()
            if to is not None
        )
    return headers


def _target(request: Request, window: Window, offset: int) -> str:
    asked = dict(parse_qsl(request.query, keep_blank_values=True))
    asked |= {"limit": str(window.limit), "offset": str(offset)}
    query = urlencode(sorted(asked.items()), quote_via=quote, safe=":/*")
    return f"{DOOR_PATH}/{request.path.rstrip('/')}?{query}"
