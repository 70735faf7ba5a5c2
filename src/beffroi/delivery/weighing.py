"""Weighing the stored pages of one site, in a worker: ``python -m beffroi.delivery.weighing``.

Parsing in a thread of the platform would hold up the platform. The worker is asked a
``SiteToWeigh`` and answers a ``SiteMeasures``.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import punctuation
from typing import Final
from urllib.parse import quote

import msgspec

from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey, page_key
from beffroi.delivery.variants import is_image
from beffroi.delivery.weight import PageWeight, page_weight
from beffroi.kernel.processes.workers import answer_as_worker
from beffroi.territory.model import PageRules

_HTML: Final = ("text/html", "application/xhtml+xml")
_MODERN_IMAGES: Final = ("image/webp", "image/avif")
_MODERN_FORMS: Final = frozenset({"webp", "avif"})
# Above this a page is a table of data; parsing it takes a second and says nothing of the others.
_BODY_MOST_BYTES: Final = 4 * 1024 * 1024


class AnswerToWeigh(msgspec.Struct, frozen=True):
    """A stored answer, under one of its keys."""

    host: str
    path: str
    query: str
    header_set: str
    digest: str
    status: int
    content_type: str

    @property
    def key(self) -> PageKey:
        """Return what visitors ask for."""
        return PageKey(self.host, self.path, self.query)

    @property
    def address(self) -> str:
        """Return what a browser shows, without the scheme."""
        return f"{self.host}{quote(self.path)}{'?' if self.query else ''}{self.query}"

    @property
    def is_page(self) -> bool:
        """Tell whether a reader reads it."""
        return self.status == 200 and self.content_type.lower().startswith(_HTML)


class SiteToWeigh(msgspec.Struct, frozen=True):
    """The stored answers of one application, the newest first.

    Attributes:
        store: The folder of the page store.
        pages_most: How many pages of HTML are read.
    """

    store: str
    application: str
    rules: PageRules
    pages_most: int
    answers: tuple[AnswerToWeigh, ...]


class SiteMeasures(msgspec.Struct, frozen=True):
    """What was found; an image in a newer format counts as one that has it."""

    pages: tuple[PageWeight, ...]
    images: int
    modern_images: int


def measured(site: SiteToWeigh) -> SiteMeasures:
    """Weigh a site; answers that are purged meanwhile are passed over."""
    files = PageFiles(Path(site.store))
    images = [_forms_of_image(files, site.application, one) for one in _images(site.answers)]
    return SiteMeasures(
        tuple(_weights(files, site)),
        len(images),
        sum(bool(forms) for forms in images),
    )


def _weights(files: PageFiles, site: SiteToWeigh) -> list[PageWeight]:
    answers = {one.key: one for one in site.answers}
    pages = [one for one in site.answers if one.is_page][: site.pages_most]
    weights = []
    for page in pages:
        sizes = files.sizes(site.application, page.header_set, page.digest)
        if not 0 < sizes.get("identity", 0) <= _BODY_MOST_BYTES:
            continue
        try:
            body = files.body(site.application, page.header_set, page.digest)
        except FileNotFoundError:
            continue
        stored_size = _stored_size(files, site, page.host, answers)
        weights.append(page_weight(page.address, body, min(sizes.values()), stored_size))
    return weights


def _stored_size(
    files: PageFiles, site: SiteToWeigh, host: str, answers: Mapping[PageKey, AnswerToWeigh]
) -> Callable[[str], int | None]:
    """Tell what travels for a target of a host: the smallest of its forms, as browsers take."""

    def stored_size(target: str) -> int | None:
        # Browsers write what is no ASCII, and blanks, by percent.
        key = page_key(host, quote(target, safe=punctuation), site.rules)
        found = None if key is None else answers.get(key)
        if found is None:
            return None
        sizes = files.sizes(site.application, found.header_set, found.digest)
        return min(sizes.values(), default=None)

    return stored_size


def _images(answers: Sequence[AnswerToWeigh]) -> list[AnswerToWeigh]:
    return [
        one
        for one in answers
        if one.status == 200
        and (is_image(one.content_type) or one.content_type.startswith(_MODERN_IMAGES))
    ]


def _forms_of_image(files: PageFiles, application: str, image: AnswerToWeigh) -> frozenset[str]:
    if image.content_type.startswith(_MODERN_IMAGES):
        return _MODERN_FORMS
    return _MODERN_FORMS & files.sizes(application, image.header_set, image.digest).keys()


if __name__ == "__main__":
    answer_as_worker(SiteToWeigh, lambda site, _: measured(site))
