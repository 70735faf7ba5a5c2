"""Other forms of a body: compressed, minified, in newer image formats; CPU work without I/O."""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import brotli
import msgspec
import rcssmin
import rjsmin
import zstandard
from PIL import Image, ImageOps

IDENTITY: Final = "identity"
MOST_PIXELS: Final = 16_000_000

# Below this, headers weigh more than what compression saves.
_LEAST_TEXT_BYTES: Final = 256
_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
# Compression at each fill must cost less than it saves: about 1 ms for a page of 46 KB.
_FILL_LEVELS: Final = (4, 4, 3)

_TEXT_TYPES: Final = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/rtf",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/xml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "image/x-icon",
    }
)
_TEXT_ENDINGS: Final = ("+json", "+xml", "+text")
_IMAGE_FORMATS: Final = {"image/gif": "GIF", "image/jpeg": "JPEG", "image/png": "PNG"}
_SCRIPT_TYPES: Final = frozenset(
    {"application/javascript", "application/x-javascript", "text/javascript"}
)

# What criterion 5.2 of the RGESN 2024 finds visually acceptable; equal to a JPEG of quality 70.
WEBP_QUALITY: Final = 72
AVIF_QUALITY: Final = 56
_AVIF_SPEED: Final = 6
# Lossless WebP takes 0.01 to 0.7 bytes a pixel for drawings and screenshots (60 of the PNGs of a
# Debian), more for photographs: one that was saved as PNG may lose what the eye does not see.
_PHOTOGRAPH_BYTES_PER_PIXEL: Final = 1.0
_PLAIN_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
# An ICC profile names the colours that it describes at this place (ICC.1:2022, 7.2).
_ICC_COLOURS: Final = slice(16, 20)

# What Pillow's decoders raise at a file that is broken, forged or too large.
_UNREADABLE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
# Pillow only warns up to twice its bound; as an error the bound is one.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_CHARSET: Final = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_SPACES: Final = re.compile(r"[ \t\n\r\f]{2,}")
# Elements whose spaces are shown or run.
_EXACT_ELEMENTS: Final = "script|style|pre|textarea|code|template|svg|math"
_TAG: Final = (
    rf"<(?!(?:{_EXACT_ELEMENTS})\b)"
    r"""/?[a-zA-Z][^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>"""
)
_HTML_PIECE: Final = re.compile(
    rf"<!--.*?-->|<!doctype[^>]*>|<({_EXACT_ELEMENTS})\b.*?</\1\s*>|{_TAG}",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP_START: Final = re.compile(r"<[a-zA-Z/!?]")
_HTML_DOUBT: Final = re.compile(
    r"white-space\s*:\s*(?:pre|break)|contenteditable|<xmp\b|<listing\b|<plaintext\b|<!\[CDATA\[",
    re.IGNORECASE,
)


class Variants(msgspec.Struct, frozen=True):
    """The forms of one body, by name; ``identity`` is the body itself.

    Attributes:
        files: ``br``, ``gzip`` and ``zstd`` beside a text, ``webp`` and ``avif`` beside an image;
            one that would save nothing is missing.
    """

    files: Mapping[str, bytes]


def is_text(content_type: str) -> bool:
    """Tell whether bodies of a type are worth compressing."""
    essence = _essence(content_type)
    return essence.startswith("text/") or essence in _TEXT_TYPES or essence.endswith(_TEXT_ENDINGS)


def is_image(content_type: str) -> bool:
    """Tell whether bodies of a type may have newer image formats beside them."""
    return _essence(content_type) in _IMAGE_FORMATS


def text_variants(body: bytes) -> Variants:
    """Compress a text fast, as each fill does."""
    return _compressed(body, *_FILL_LEVELS)


def _compressed(body: bytes, brotli_level: int, gzip_level: int, zstd_level: int) -> Variants:
    if len(body) < _LEAST_TEXT_BYTES:
        return Variants({IDENTITY: body})
    made: dict[str, bytes] = {
        "br": brotli.compress(body, quality=brotli_level),
        "gzip": zlib.compress(body, gzip_level, _GZIP_WINDOW),
        "zstd": zstandard.ZstdCompressor(level=zstd_level).compress(body),
    }
    return _worthwhile(body, made)


def _worthwhile(body: bytes, made: Mapping[str, bytes]) -> Variants:
    smaller = {name: form for name, form in made.items() if len(form) < len(body)}
    return Variants({IDENTITY: body, **smaller})


def image_variants(body: bytes) -> Variants:
    """Encode a still image as WebP and AVIF.

    Colours keep their ICC profile and the picture stands as its EXIF says. All other
    metadata stays out: a photograph tells where it was taken.

    Returns:
        The body alone when it is animated, broken, above ``MOST_PIXELS``, or in colours that
        browsers do not all show alike (CMYK, 16 bits, profiles of other colours than RGB).
    """
    try:
        with Image.open(io.BytesIO(body), formats=tuple(_IMAGE_FORMATS.values())) as image:
            made = {} if _is_beyond_us(image) else dict(_encoded(image))
    except _UNREADABLE:
        made = {}
    return _worthwhile(body, made)


def _is_beyond_us(image: Image.Image) -> bool:
    # A telephone's MPO is a still whose further pictures no browser shows.
    animated = image.format != "MPO" and getattr(image, "is_animated", False)
    profile = image.info.get("icc_profile")
    return (
        animated
        or image.mode not in _PLAIN_MODES
        or (profile is not None and profile[_ICC_COLOURS] != b"RGB ")
    )


def _encoded(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield the forms by name; an AVIF that is no smaller than the WebP is left out."""
    profile = image.info.get("icc_profile", b"")
    from_jpeg = image.format in {"JPEG", "MPO"}
    ImageOps.exif_transpose(image, in_place=True)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    still = image if image.mode == mode else image.convert(mode)
    still.info = {}
    if from_jpeg:
        webp = _saved(still, "WEBP", quality=WEBP_QUALITY, icc_profile=profile)
        chroma = "4:2:0"
    else:
        webp = _saved(still, "WEBP", lossless=True, icc_profile=profile)
        chroma = "4:4:4"
    yield "webp", webp
    if from_jpeg or len(webp) > _PHOTOGRAPH_BYTES_PER_PIXEL * still.width * still.height:
        avif = _saved(
            still,
            "AVIF",
            quality=AVIF_QUALITY,
            speed=_AVIF_SPEED,
            subsampling=chroma,
            icc_profile=profile,
            max_threads=1,
        )
        if len(avif) < len(webp):
            yield "avif", avif


def _saved(image: Image.Image, format_name: str, **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **settings)
    return file.getvalue()


def minified(body: bytes, content_type: str) -> bytes:
    """Leave out spaces and comments that change nothing, where that is certain.

    A script or style sheet that pages load with an ``integrity`` digest must not come here.

    Returns:
        The body itself for another type or charset than UTF-8, and on any doubt.
    """
    if not _is_utf8(content_type):
        return body
    essence = _essence(content_type)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if essence == "text/html":
        shorter = _shorter_html(text)
    elif essence == "text/css":
        shorter = rcssmin.cssmin(text, keep_bang_comments=True)
    elif essence in _SCRIPT_TYPES and "`" not in text:
        # The minifier takes spaces out of a template literal within another.
        shorter = rjsmin.jsmin(text, keep_bang_comments=True)
    else:
        return body
    fresh = shorter.encode()
    return fresh if len(fresh) < len(body) else body


def _shorter_html(text: str) -> str:
    if _HTML_DOUBT.search(text):
        return text
    pieces: list[str] = []
    reached = 0
    while start := _MARKUP_START.search(text, reached):
        markup = _HTML_PIECE.match(text, start.start())
        if markup is None:
            return text
        pieces += (_SPACES.sub(_one_space, text[reached : start.start()]), markup.group())
        reached = markup.end()
    return "".join((*pieces, _SPACES.sub(_one_space, text[reached:])))


def _one_space(spaces: re.Match[str]) -> str:
    return "\n" if "\n" in spaces.group() else " "


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_utf8(content_type: str) -> bool:
    told = _CHARSET.search(content_type)
    return told is None or told.group(1).lower() in {"utf-8", "utf8"}
