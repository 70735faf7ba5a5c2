"""Addresses of the console itself, as the query or a form names them."""

import re
from urllib.parse import quote

_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def own_path(wanted: str) -> str:
    """Return a path of the console; the home page where the text is anything else.

    What leads elsewhere (another scheme, a second slash or a backslash after the first) would send
    a person who has just signed in to a page that only looks like ours.
    """
    return wanted if _OWN_PATH.fullmatch(wanted) else "/"


def sign_in_path(wanted: str) -> str:
    """Return the address of the sign-in page that leads on to another."""
    path = own_path(wanted)
    return "/sign-in" if path == "/" else f"/sign-in?next={quote(path, safe='/')}"
