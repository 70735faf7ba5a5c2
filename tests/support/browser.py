"""One person at one site: keeps its cookies, fills in its forms."""

import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.town import Town

_FORM = re.compile(r'<form\b[^>]*\baction="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Person:
    """A visitor of one host, from one page to the next."""

    def __init__(self, town: Town, host: str) -> None:
        self._town = town
        self._host = host
        self._cookies: dict[str, str] = {}
        self._page = "/"

    async def open(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self._go("GET", path)

    async def submit(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open a page, fill in its first form for an action, send it, and follow where it leads."""
        shown = (await self.open(page)).text
        forms = dict(reversed(_FORM.findall(shown)))
        hidden = dict(_HIDDEN.findall(forms.get(action, shown)))
        answer = await self._go("POST", action, data={**hidden, **fields})
        if answer.is_redirect:
            return await self.open(urlsplit(answer.headers["location"]).path)
        return answer

    async def _go(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "Referer": f"https://{self._town.authority(self._host)}{self._page}",
        }
        answer = await self._town.visit(method, self._host, path, headers=headers, **options)
        for line in answer.headers.get_list("set-cookie"):
            self._cookies.update({name: one.value for name, one in SimpleCookie(line).items()})
        self._page = path
        return answer
