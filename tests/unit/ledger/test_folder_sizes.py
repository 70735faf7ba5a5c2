"""How much room folders take, with links and what vanishes."""

import os
from pathlib import Path

import pytest

from beffroi.ledger.drivers.folder_sizes import folder_sizes

KIB = 1024


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    (folder / "deep").mkdir(parents=True)
    return folder


def _fill(path: Path, size: int) -> None:
    path.write_bytes(os.urandom(size))


def test_all_files_of_all_folders_are_added_up(volume: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    _fill(volume / "a", 100 * KIB)
    _fill(volume / "deep" / "b", 50 * KIB)
    _fill(release / "c", 30 * KIB)
    found = folder_sizes({"bus": [volume, release]})["bus"]
    assert 180 * KIB <= found <= 200 * KIB


def test_room_that_is_not_taken_is_not_counted(volume: Path) -> None:
    """A sparse file says that it is large and takes nothing."""
    with (volume / "sparse").open("wb") as file:
        file.truncate(2**30)
    assert folder_sizes({"bus": [volume]})["bus"] < 100 * KIB


def test_one_file_under_two_names_counts_once(volume: Path) -> None:
    _fill(volume / "a", 100 * KIB)
    once = folder_sizes({"bus": [volume]})
    (volume / "deep" / "b").hardlink_to(volume / "a")
    assert folder_sizes({"bus": [volume]}) == once


def test_links_lead_nowhere(volume: Path, tmp_path: Path) -> None:
    _fill(tmp_path / "elsewhere", 500 * KIB)
    (volume / "link").symlink_to(tmp_path / "elsewhere")
    (volume / "loop").symlink_to(volume)
    assert folder_sizes({"bus": [volume]})["bus"] < 100 * KIB


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert folder_sizes({"bus": [tmp_path / "gone"], "wiki": []}) == {"bus": 0, "wiki": 0}
