"""Name the shapes in which the templates show a picture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureShape:
    """One use of a picture: the files made from it and the room it takes on the page."""

    filters: tuple[str, ...]
    sizes: str


SHAPES = {
    "banner": PictureShape(
        filters=(
            "fill-480x270|format-webp|webpquality-75",
            "fill-960x432|format-webp|webpquality-75",
            "fill-1440x648|format-webp|webpquality-75",
        ),
        sizes="100vw",
    ),
    "card": PictureShape(
        filters=(
            "fill-400x225|format-webp|webpquality-75",
            "fill-800x450|format-webp|webpquality-75",
        ),
        sizes="(min-width: 60rem) 24rem, (min-width: 40rem) 50vw, 100vw",
    ),
}
