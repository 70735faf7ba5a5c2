"""Every form of a body tells the same as the body, or is not there."""

import gzip
import io
from html.parser import HTMLParser
from random import Random

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from beffroi.delivery.variants import (
    MOST_PIXELS,
    Variants,
    image_variants,
    is_image,
    is_text,
    minified,
    text_variants,
)

PAGE = b"<!doctype html><html><body>" + b"<p>Conseil municipal du 12 mars</p>" * 200
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION = 0x0112
GPS = 0x8825
ROTATED = 6

texts = st.one_of(
    st.binary(max_size=2000),
    st.text(max_size=200).map(lambda text: (text * 20).encode()),
)


def body_of(variants: Variants, name: str) -> bytes:
    form = variants.files[name]
    match name:
        case "br":
            return bytes(brotli.decompress(form))
        case "gzip":
            return gzip.decompress(form)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(form)
        case _:
            return form


def photograph(width: int = 320, height: int = 240) -> Image.Image:
    """Draw something as rich in detail as a photograph: noise over a gradient."""
    noise = Image.effect_noise((width, height), 60)
    slope = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (noise, slope, Image.blend(noise, slope, 0.5)))


def drawing() -> Image.Image:
    image = Image.new("RGBA", (320, 240), (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 20, 200, 120), fill="navy")
    pen.ellipse((120, 60, 300, 220), fill=(200, 0, 0, 128))
    return image


def saved(image: Image.Image, format_name: str, **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **settings)
    return file.getvalue()


def opened(form: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(form))
    image.load()
    return image


@given(texts)
def test_each_form_of_a_text_becomes_the_text_again(body: bytes) -> None:
    variants = text_variants(body)

    assert all(body_of(variants, name) == body for name in variants.files)
    assert all(len(form) < len(body) for name, form in variants.files.items() if name != "identity")


def test_a_page_has_every_form_and_the_same_ones_each_time() -> None:
    variants = text_variants(PAGE)

    assert set(variants.files) == {"identity", "br", "gzip", "zstd"}
    assert variants == text_variants(PAGE)


def test_no_browser_needs_over_eight_megabytes_to_read_a_form() -> None:
    form = text_variants(bytes(9 << 20)).files["zstd"]

    assert zstandard.get_frame_parameters(form).window_size <= 8 << 20


@pytest.mark.parametrize("body", [b"", b"ok", b"a" * 255])
def test_a_short_text_stays_alone(body: bytes) -> None:
    assert text_variants(body).files == {"identity": body}


def test_a_text_that_does_not_shrink_stays_alone() -> None:
    body = Random(1).randbytes(4000)  # noqa: S311

    assert text_variants(body).files == {"identity": body}


@pytest.mark.parametrize(
    ("content_type", "text", "image"),
    [
        ("text/html; charset=utf-8", True, False),
        ("TEXT/CSS", True, False),
        ("application/json", True, False),
        ("application/atom+xml;type=feed", True, False),
        ("image/svg+xml", True, False),
        ("image/jpeg", False, True),
        ("image/png", False, True),
        ("image/avif", False, False),
        ("application/pdf", False, False),
        ("font/woff2", False, False),
        ("", False, False),
    ],
)
def test_types_are_told_apart(content_type: str, *, text: bool, image: bool) -> None:
    assert is_text(content_type) is text
    assert is_image(content_type) is image


def test_a_photograph_gets_both_newer_formats() -> None:
    body = saved(photograph(), "JPEG", quality=90)
    files = image_variants(body).files

    assert files["identity"] == body
    assert len(files["avif"]) < len(files["webp"]) < len(body)
    assert {opened(files[name]).format for name in ("webp", "avif")} == {"WEBP", "AVIF"}
    assert opened(files["avif"]).size == opened(files["webp"]).size == (320, 240)


def test_a_photograph_saved_as_png_is_treated_as_one() -> None:
    body = saved(photograph(), "PNG")

    assert set(image_variants(body).files) == {"identity", "webp", "avif"}


def test_a_drawing_loses_no_pixel() -> None:
    body = saved(drawing(), "PNG")
    files = image_variants(body).files

    assert set(files) == {"identity", "webp"}
    before, after = (on_white(one) for one in (drawing(), opened(files["webp"])))
    assert before.tobytes() == after.tobytes()


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA"])
def test_few_colours_are_taken_too(mode: str) -> None:
    body = saved(drawing().convert(mode), "PNG", compress_level=0)

    assert "webp" in image_variants(body).files


def test_a_still_gif_is_taken_with_its_transparency() -> None:
    still = Image.new("P", (200, 200), 0)
    still.putpalette([255, 0, 0, 0, 0, 255])
    still.paste(1, (50, 50, 150, 150))
    webp = image_variants(saved(still, "GIF", transparency=0)).files["webp"]

    assert opened(webp).getchannel("A").getpixel((0, 0)) == 0
    assert opened(webp).convert("RGBA").getpixel((100, 100)) == (0, 0, 255, 255)


def test_a_picture_taken_sideways_stands_up_and_keeps_its_place_for_itself() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED
    exif.get_ifd(GPS)[1] = "N"
    body = saved(photograph(), "JPEG", quality=90, exif=exif, icc_profile=SRGB, xmp=b"<x>48.1</x>")
    files = image_variants(body).files

    assert opened(body).getexif().get_ifd(GPS)
    for name in ("webp", "avif"):
        form = opened(files[name])
        assert form.size == (240, 320)
        assert form.info["icc_profile"] == SRGB
        assert not form.getexif()
        assert not {"exif", "xmp"} & set(form.info)
        assert b"48.1" not in files[name]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            saved(drawing(), "GIF", save_all=True, append_images=[photograph()]), id="animated"
        ),
        pytest.param(
            saved(drawing(), "PNG", save_all=True, append_images=[photograph().convert("RGBA")]),
            id="animated png",
        ),
        pytest.param(saved(photograph().convert("CMYK"), "JPEG"), id="cmyk"),
        pytest.param(saved(photograph().convert("I;16"), "PNG"), id="16 bits"),
        pytest.param(
            saved(
                photograph().convert("L"), "JPEG", icc_profile=b"\0" * 16 + b"GRAY" + b"\0" * 108
            ),
            id="profile of greys",
        ),
        pytest.param(saved(photograph(), "JPEG")[:3000], id="cut"),
        pytest.param(saved(photograph(), "TIFF"), id="another format"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="no picture"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_cannot_be_told_faithfully_stays_alone(body: bytes) -> None:
    assert image_variants(body).files == {"identity": body}


@pytest.mark.parametrize("side", [6_400, 9_500, 13_500])
def test_a_picture_that_would_fill_the_memory_stays_alone(side: int) -> None:
    body = saved(Image.new("1", (side, side)), "PNG")

    assert side * side > MOST_PIXELS
    assert image_variants(body).files == {"identity": body}


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
def test_no_broken_picture_stops_a_fill(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([SMALL_JPEG, SMALL_PNG, SMALL_GIF]))
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    body = bytes(broken[: data.draw(st.integers(0, len(broken)))])

    assert image_variants(body).files["identity"] == body


SMALL_JPEG = saved(photograph(24, 24), "JPEG", icc_profile=SRGB)
SMALL_PNG = saved(photograph(24, 24), "PNG")
SMALL_GIF = saved(photograph(24, 24), "GIF")


class Events(HTMLParser):
    """What a browser would read, runs of spaces in plain text told as one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.events: list[object] = []
        self._exact = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.events.append((tag, attrs))
        self._exact += tag in {"pre", "textarea", "script", "style", "code"}

    def handle_endtag(self, tag: str) -> None:
        self.events.append(tag)
        self._exact -= tag in {"pre", "textarea", "script", "style", "code"}

    def handle_data(self, data: str) -> None:
        if self._exact > 0:
            self.events.append(data)
        else:
            spaced = "".join(" " if letter in " \t\n\r\f" else letter for letter in data)
            while "  " in spaced:
                spaced = spaced.replace("  ", " ")
            self.events.append(spaced)

    def handle_comment(self, data: str) -> None:
        self.events.append(("comment", data))


def events(page: str) -> list[object]:
    reader = Events()
    reader.feed(page)
    reader.close()
    return reader.events


spaces = st.text(" \n\t\u00a0", max_size=4)
pieces = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<a href=\"x   y\" title='a > b   c'>",
        "</a>",
        "<img  alt='  '>",
        "<pre>  a\n\n  b </pre>",
        "<textarea>\n\n  a  </textarea>",
        "<script>if (a  <  b) {  c()  }</script>",
        "<style>a  {  }</style>",
        "<!-- a   > b -->",
        "mairie",
        "1  <  2",
        "&nbsp;",
        "<code>a   b</code>",
    ]
)


@given(st.lists(st.tuples(pieces, spaces), max_size=12))
def test_a_minified_page_reads_the_same(parts: list[tuple[str, str]]) -> None:
    page = "".join(piece + space for piece, space in parts)
    shorter = minified(page.encode(), "text/html; charset=utf-8").decode()

    assert events(shorter) == events(page)
    assert len(shorter) <= len(page)


def test_a_space_between_two_links_stays() -> None:
    page = b"<nav>\n      <a href=/a>Eau</a>\n      <a href=/b>Voirie</a>\n</nav>"

    expected = b"<nav>\n<a href=/a>Eau</a>\n<a href=/b>Voirie</a>\n</nav>"
    assert minified(page, "text/html") == expected


@pytest.mark.parametrize(
    "page",
    [
        b"<style>p { white-space: pre-line }</style><p>a    b</p>",
        b"<div contenteditable>a    b</div>",
        b"<p title='>a    b</p>",
        b"<script>a    b",
        b"<!-- a     b",
        b"<p>\xe9    b</p>",
    ],
)
def test_a_doubtful_page_is_left_as_it_is(page: bytes) -> None:
    assert minified(page, "text/html") == page


def test_style_sheets_and_scripts_shrink_and_keep_their_licence() -> None:
    sheet = b"/*! MIT */\na {\n  width: calc(1px + 2px);\n  color : red;\n}\n/* note */\n"
    script = b"/*! MIT */\nfunction add(a, b) {\n  // sum\n  return a + b;\n}\n"

    assert minified(sheet, "text/css") == b"/*! MIT */a{width:calc(1px + 2px);color:red}"
    assert minified(script, "text/javascript") == b"/*! MIT */function add(a,b){return a+b;}"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"let a = `x ${ `y   z` }`;", "text/javascript"),
        (b"<p>a    b</p>", "text/html; charset=iso-8859-1"),
        (b"a    b", "text/plain"),
        (b'{"a":    1}', "application/ld+json"),
        (b"a{b:c}", "text/css"),
    ],
)
def test_what_is_not_surely_the_same_is_not_minified(body: bytes, content_type: str) -> None:
    assert minified(body, content_type) == body
