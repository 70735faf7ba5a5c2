"""WebP and AVIF beside the JPEG that visitors already read."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from beffroi.delivery.filler.image_making import ImageMaking
from beffroi.delivery.header_sets import HeaderSet
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import PageRow
from tests.support.waiting import eventually

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
JPEG = HeaderSet("0" * 12, 200, "image/jpeg", (("cache-control", "max-age=60"),), "")
FIXED = HeaderSet("1" * 12, 200, "image/jpeg", (("cache-control", "no-transform"),), "")
TEXT = HeaderSet("2" * 12, 200, "text/html", (), "")
SET = "00a"


def photograph(seed: int) -> bytes:
    """A JPEG with soft shapes, as a camera takes them."""
    small = Image.frombytes("RGB", (12, 9), Random(seed).randbytes(12 * 9 * 3))  # noqa: S311
    file = io.BytesIO()
    small.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    return PageFiles(tmp_path / "store")


@pytest.fixture
async def making(files: PageFiles) -> AsyncIterator[ImageMaking]:
    """At work as long as the test lasts."""
    made = ImageMaking(files)
    task = asyncio.create_task(made.run())
    yield made
    assert not task.done(), "it works until it is cancelled"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def stored(files: PageFiles, body: bytes, path: str = "/photo.jpg") -> PageRow:
    """Store and show a body; return its row."""
    answer = files.put_answer("site", SET, {"identity": body})
    key = PageKey("www.ville.fr", path, "")
    files.publish(key, "site", SET, answer.digest, apart=False)
    return PageRow(
        *(key.host, key.path, key.query, "site", "ville", SET, answer.digest),
        *(answer.size_bytes, NOW, NOW, NOW, NOW),
    )


def forms(files: PageFiles, row: PageRow) -> set[str]:
    return set(files.sizes(row.application, row.header_set, row.answer))


async def test_smaller_forms_appear_beside_a_photograph_of_which_no_byte_changes(
    files: PageFiles, making: ImageMaking, tmp_path: Path
) -> None:
    body = photograph(1)
    row = stored(files, body)
    link = tmp_path / "store/links/www.ville.fr/photo.jpg@"
    before = (link / "identity").stat()
    assert forms(files, row) == {"identity"}

    making.offer(row, JPEG)

    await eventually(lambda: forms(files, row) == {"identity", "webp", "avif"}, within_s=20)
    after = (link / "identity").stat()
    assert (link / "identity").read_bytes() == body
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    for form in ("webp", "avif"):
        with Image.open(link / form) as image:
            assert (image.format, image.size) == (form.upper(), (640, 480))
        assert (link / form).stat().st_size < len(body)
    assert not list((tmp_path / "store/work").iterdir())


async def test_an_image_that_is_purged_before_its_turn_stops_nobody(
    files: PageFiles, making: ImageMaking, tmp_path: Path
) -> None:
    gone, kept = stored(files, photograph(1), "/gone.jpg"), stored(files, photograph(2))
    making.offer(gone, JPEG)
    making.offer(kept, JPEG)
    files.withdraw(gone.key)
    files.forget_answer("site", SET, gone.answer)

    await eventually(lambda: "webp" in forms(files, kept), within_s=20)

    assert forms(files, gone) == set()
    await eventually(lambda: not list((tmp_path / "store/work").iterdir()))


async def test_an_image_that_is_purged_while_its_forms_are_made_stays_purged(
    files: PageFiles, making: ImageMaking, tmp_path: Path
) -> None:
    rows = [stored(files, photograph(number), f"/{number}.jpg") for number in range(4)]
    for row in rows:
        making.offer(row, JPEG)
    for row in rows[:3]:
        await asyncio.sleep(0.03)
        files.withdraw(row.key)
        files.forget_answer("site", SET, row.answer)

    await eventually(lambda: "avif" in forms(files, rows[3]), within_s=20)

    assert [one[0] for one in files.published()] == [rows[3].key]
    answers = tmp_path / "store/answers/site" / SET
    assert [path.name for path in answers.iterdir()] == [rows[3].answer]


async def test_what_is_broken_or_must_not_be_transformed_or_is_no_image_stays_alone(
    files: PageFiles, making: ImageMaking
) -> None:
    broken = stored(files, photograph(1)[:2000], "/broken.jpg")
    fixed, text = stored(files, photograph(2), "/fixed.jpg"), stored(files, b"<p>", "/")
    last = stored(files, photograph(3), "/last.jpg")
    for row, headers in ((broken, JPEG), (fixed, FIXED), (text, TEXT), (last, JPEG)):
        making.offer(row, headers)

    await eventually(lambda: "avif" in forms(files, last), within_s=20)

    assert [forms(files, row) for row in (broken, fixed, text)] == [{"identity"}] * 3


async def test_more_images_than_it_can_hold_do_without(files: PageFiles) -> None:
    making = ImageMaking(files)
    row = stored(files, photograph(1))
    for _ in range(1500):
        making.offer(row, JPEG)

    assert forms(files, row) == {"identity"}
