"""Files that come into a watched folder."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beffroi.exchange.feeds.folders import FolderReport, FolderUnusableError, WatchedFolder


def report(refused: int = 0) -> FolderReport:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return FolderReport(
        file="a.csv", read_at=at, rows=2, changed=1, late=0, refused=refused, mistakes=[]
    )


def test_a_file_that_grows_is_left_until_it_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "nimes" / "levels"
    watched = WatchedFolder(folder, "*.csv", tmp_path)
    file = folder / "a.csv"
    seen = [watched.whole()]
    for part in ("a\n", "1\n", "2\n", ""):
        with file.open("a") as opened:
            opened.write(part)
        seen.append(watched.whole())
    assert seen == [[], [], [], [], [file]]


def test_the_oldest_file_comes_first_and_what_is_not_meant_does_not_come(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path, "*.csv", tmp_path)
    names = ("b.csv", "a.csv", ".hidden.csv", "c.csv.part", "notes.txt")
    for number, name in enumerate(names):
        (tmp_path / name).write_text(str(number))
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "folder.csv").mkdir()
    assert watched.whole() == []
    assert [one.name for one in watched.whole()] == ["b.csv", "a.csv"]


def test_files_of_one_name_lie_beside_one_another_once_put_away(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path, "*", tmp_path)
    for content in ("1", "2"):
        file = tmp_path / "a.csv"
        file.write_text(content)
        watched.put_away(file, report())
    (tmp_path / "a.csv").write_text("3")
    watched.put_away(tmp_path / "a.csv", report(refused=1))
    assert (tmp_path / "done" / "a.csv").read_text() == "1"
    assert (tmp_path / "done" / "a.csv.2").read_text() == "2"
    assert (tmp_path / "failed" / "a.csv").read_text() == "3"
    told = json.loads((tmp_path / "failed" / "a.csv.report.json").read_text())
    assert told["refused"] == 1


def test_a_file_that_grows_while_it_is_read_is_not_the_one_that_was_whole(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path, "*", tmp_path)
    file = tmp_path / "a.csv"
    file.write_text("1")
    watched.whole()
    assert watched.whole() == [file]
    assert watched.is_unchanged(file)
    file.write_text("12")
    assert not watched.is_unchanged(file)
    file.unlink()
    assert not watched.is_unchanged(file)


def test_a_folder_that_leads_to_another_organisation_is_refused(tmp_path: Path) -> None:
    own, other = tmp_path / "nimes", tmp_path / "arras" / "levels"
    own.mkdir()
    other.mkdir(parents=True)
    (other / "a.csv").write_text("secret")
    (own / "levels").symlink_to(other)
    with pytest.raises(FolderUnusableError):
        WatchedFolder(own / "levels", "*", own).whole()
    (own / "counts").mkdir()
    (own / "counts" / "done").symlink_to(other)
    watched = WatchedFolder(own / "counts", "*", own)
    (own / "counts" / "b.csv").write_text("1")
    with pytest.raises(FolderUnusableError):
        watched.put_away(own / "counts" / "b.csv", report())
    assert [one.name for one in other.iterdir()] == ["a.csv"]


def test_a_name_that_is_no_utf_8_is_read_as_windows_wrote_it(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path, "*.csv", tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/relev\xe9.csv")).write_text("1")
    names = [[one.name for one in watched.whole()] for _ in range(3)]
    assert names == [[], [], ["relevé.csv"]]


def test_files_that_were_read_are_let_go_and_those_with_mistakes_are_not(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path, "*", tmp_path)
    for name, refused in (("old.csv", 0), ("wrong.csv", 1), ("new.csv", 0)):
        file = tmp_path / name
        file.write_text("a")
        watched.put_away(file, report(refused=refused))
    for place in ("done/old.csv", "failed/wrong.csv"):
        os.utime(f"{tmp_path}/{place}.report.json", (0, 0))
    assert watched.let_go(datetime(2026, 1, 1, tzinfo=UTC)) == 1
    left = sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.csv"))
    assert left == ["done/new.csv", "failed/wrong.csv"]
    assert not (tmp_path / "done" / "old.csv.report.json").exists()
