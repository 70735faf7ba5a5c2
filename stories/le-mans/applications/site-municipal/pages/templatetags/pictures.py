"""Show a picture in one of the shapes of the site."""

from typing import Any

from django import template
from wagtail.images.models import Image

from pages.picture_shapes import SHAPES

register = template.Library()


@register.inclusion_tag("pages/parts/picture.html")
def picture(image: Image, shape: str, *, eager: bool = False, alt: str = "") -> dict[str, Any]:
    """Prepare the responsive files of one picture.

    Args:
        image: The picture, as the editors uploaded it.
        shape: A key of ``SHAPES``.
        eager: True for a picture seen at once, which must not wait for scrolling.
        alt: Alternative text; empty for a picture that only decorates.
    """
    chosen = SHAPES[shape]
    made = image.get_renditions(*chosen.filters)
    renditions = [made[name] for name in chosen.filters]
    return {
        "renditions": renditions,
        "widest": renditions[-1],
        "sizes": chosen.sizes,
        "eager": eager,
        "alt": alt,
    }
