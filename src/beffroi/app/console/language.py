"""Choosing the language one reads."""

from typing import Annotated

import msgspec
from litestar import post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from beffroi.app.console.own_paths import own_path
from beffroi.app.console.shell import PageRequest
from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.authentication import presented_secret, refuse_other_origin
from beffroi.kernel.rights.service import Rights

_KEPT_S = 365 * 24 * 3600


class ChosenLanguage(msgspec.Struct, frozen=True):
    """A language, and the page to read in it."""

    language: Language
    next: str = "/"


LanguageForm = Annotated[ChosenLanguage, Body(media_type=RequestEncodingType.URL_ENCODED)]


@post("/language")
async def choose_language(
    data: LanguageForm, request: PageRequest, rights: NamedDependency[Rights]
) -> Redirect:
    """Keep the language in the browser, and in the account of who is signed in."""
    refuse_other_origin(request)
    secret = presented_secret(request)
    actor = await rights.who(secret) if secret else None
    if actor is not None:
        await rights.set_language(actor, data.language)
    cookies = [language_cookie(data.language)]
    return Redirect(own_path(data.next), status_code=303, cookies=cookies)


def language_cookie(language: Language) -> Cookie:
    """Make the cookie that later pages are written by."""
    return Cookie(
        "language",
        path="/",
        value=language.value,
        max_age=_KEPT_S,
        secure=True,
        httponly=True,
        samesite="lax",
    )
