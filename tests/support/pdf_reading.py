"""What a PDF holds, for tests."""

from io import BytesIO
from typing import Any

from lxml import etree
from pypdf import PdfReader


def text_of(content: bytes) -> str:
    """Return all that a person reads, with plain spaces."""
    pages = PdfReader(BytesIO(content)).pages
    return " ".join(page.extract_text() for page in pages).replace("\N{NO-BREAK SPACE}", " ")


def catalog_of(content: bytes) -> Any:
    """Return the root of a PDF's objects, which are of any kind."""
    return PdfReader(BytesIO(content)).root_object


def properties_of(content: bytes) -> dict[str, str]:
    """Return the texts of a PDF's XMP metadata by tag; of one that comes often, the last."""
    packet = catalog_of(content)["/Metadata"].get_object().get_data()
    return {
        one.tag: one.text or ""
        for one in etree.fromstring(packet).iter()
        if isinstance(one.tag, str)
    }


def fonts_outside(content: bytes) -> list[str]:
    """List the fonts that a PDF names and does not hold."""
    fonts: list[Any] = [
        font.get_object() for page in PdfReader(BytesIO(content)).pages for font in _fonts(page)
    ]
    return [one["/BaseFont"] for one in fonts if not _is_inside(one)]


def fonts_named(content: bytes) -> set[str]:
    """List the fonts of a PDF."""
    pages = PdfReader(BytesIO(content)).pages
    return {font.get_object()["/BaseFont"] for page in pages for font in _fonts(page)}


def _fonts(page: Any) -> Any:
    return page["/Resources"]["/Font"].values()


def _is_inside(font: Any) -> bool:
    (descendant,) = font["/DescendantFonts"]
    descriptor = descendant.get_object()["/FontDescriptor"].get_object()
    return bool({"/FontFile2", "/FontFile3"} & set(descriptor))
