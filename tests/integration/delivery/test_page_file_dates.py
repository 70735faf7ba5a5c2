"""The date of a stored file: nginx makes its ETag of it, and reads the header set in it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.delivery.page_files import PageFiles

SET = "05f"
NUMBERS = st.integers(0, 4095)


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    return PageFiles(tmp_path / "store")


def dates(folder: Path) -> dict[str, int]:
    """Return the date of each file, in seconds."""
    return {path.name: int(path.stat().st_mtime) for path in folder.iterdir()}


def test_variants_that_are_made_later_stand_beside_the_others(
    files: PageFiles, tmp_path: Path
) -> None:
    stored = files.put_answer("portail", SET, {"identity": b"jpeg"})

    files.add_variants("portail", SET, stored.digest, {"webp": b"web", "avif": b"av"})

    assert files.sizes("portail", SET, stored.digest) == {"identity": 4, "webp": 3, "avif": 2}
    folder = tmp_path / "store/answers/portail" / SET / stored.digest
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert len(set(dates(folder).values())) == 3


def test_variants_of_an_answer_that_is_no_more_leave_nothing(
    files: PageFiles, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        files.add_variants("portail", SET, "0" * 16, {"webp": b"web"})

    assert files.sizes("portail", SET, "0" * 16) == {}
    assert list((tmp_path / "store/work").iterdir()) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.sets(st.binary(min_size=8, max_size=8), min_size=2, max_size=4), number=NUMBERS)
def test_a_date_tells_the_content_and_the_number_of_the_header_set(
    tmp_path: Path, bodies: set[bytes], number: int
) -> None:
    name = f"{number:03x}"
    files = PageFiles(tmp_path / "store")
    told: list[int] = []
    for body in bodies:
        stored = files.put_answer("portail", name, {"identity": body, "br": body, "gzip": body})
        found = dates(tmp_path / "store/answers/portail" / name / stored.digest)
        told.extend(found.values())
    files.clear()
    assert {date & 0xFFF for date in told} == {number}
    assert {f"{date:x}"[-3:].zfill(3) for date in told} == {name}
    assert all(0 <= date < 2**31 for date in told)
    # Contents are told apart by 19 bits: few of them coincide.
    assert len(set(told)) >= len(told) - 1


def test_of_a_thousand_bodies_of_one_size_hardly_two_have_one_date(
    files: PageFiles, tmp_path: Path
) -> None:
    digests = [
        files.put_answer("portail", SET, {"identity": b"%04d" % number}).digest
        for number in range(1000)
    ]
    root = tmp_path / "store/answers/portail" / SET
    assert len({dates(root / digest)["identity"] for digest in digests}) > 990


def test_an_answer_that_comes_back_has_the_date_that_browsers_know(
    files: PageFiles, tmp_path: Path
) -> None:
    variants = {"identity": b"page", "br": b"b"}
    digest = files.put_answer("portail", SET, variants).digest
    folder = tmp_path / "store/answers/portail" / SET / digest
    before = dates(folder)
    files.forget_answer("portail", SET, digest)

    files.put_answer("portail", SET, variants)

    assert dates(folder) == before
