"""Racks as SVG, for a page that is printed."""

from collections.abc import Iterable
from typing import Final

from beffroi.capacity.figures import RackPicture
from beffroi.capacity.reporting.sheet import Drawing, word
from beffroi.kernel.catalogue import Language

_CPU: Final = "#1f4e79"
_MEMORY: Final = "#c8792a"
_STYLES: Final = (
    ("outlines", 'fill="#f1f4f6" stroke="#51606e" stroke-width="0.8"'),
    ("spare", 'fill="#ffffff" stroke="#5b8a72" stroke-width="1.2"'),
    ("gone", 'fill="none" stroke="#9aa5ae" stroke-width="0.8" stroke-dasharray="3 2"'),
    ("cpu", f'fill="{_CPU}"'),
    ("memory", f'fill="{_MEMORY}"'),
)


def rack_drawings(pictures: Iterable[RackPicture], language: Language) -> tuple[Drawing, ...]:
    """Draw the racks of each site that has hosts."""
    return tuple(
        _drawing(one, language) for one in pictures if one.outlines or one.spare or one.gone
    )


def _drawing(picture: RackPicture, language: Language) -> Drawing:
    width, height = picture.width + 2, picture.height + 2
    paths = "".join(
        f'<path d="{path}" {style}/>' for name, style in _STYLES if (path := getattr(picture, name))
    )
    return Drawing(
        caption=word(language, "racks_caption", site=picture.site, count=picture.hosts),
        alt=word(language, "racks_alt", site=picture.site, count=picture.hosts),
        svg=f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {width} {height}"'
        f' width="{width}" height="{height}">{paths}</svg>',
        width=width,
        height=height,
    )
