"""Releases named by their content."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hosting.fingerprints import (
    LEFT_OUT,
    declaration_digest,
    refuse_escaping_links,
    release_digest,
)
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.model import ApplicationKind, Limits
from tests.unit.hosting.declared import application

BUS = application()
TREE = {"run.sh": "#!/bin/sh\n", "pages/home.html": "<h1>home", "pages/about.html": "<h1>about"}


def write(folder: Path, files: dict[str, str] | None = None) -> Path:
    for name, content in (files or TREE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_the_same_files_give_the_same_digest_wherever_and_whenever(tmp_path: Path) -> None:
    first = write(tmp_path / "first")
    second = write(tmp_path / "second", dict(reversed(TREE.items())))
    os.utime(second / "run.sh", (1, 1))
    digest = release_digest(first, BUS)
    assert digest == release_digest(second, BUS)
    assert len(digest) == 16


def _change(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("home.html")


CHANGES: dict[str, Callable[[Path], object]] = {
    "one byte": _change("pages/home.html", "<h1>Home"),
    "one byte more": _change("pages/home.html", "<h1>home "),
    "emptied": _change("pages/home.html", ""),
    "a new file": _change("pages/new.html", ""),
    "removed": lambda folder: (folder / "run.sh").unlink(),
    "renamed": lambda folder: (folder / "run.sh").rename(folder / "start.sh"),
    "moved": lambda folder: (folder / "run.sh").rename(folder / "pages" / "run.sh"),
    "made executable": lambda folder: (folder / "run.sh").chmod(0o755),
    "a link to the same content": lambda folder: _linked(folder / "pages" / "about.html"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_files_gives_another_digest(tmp_path: Path, change: str) -> None:
    folder = write(tmp_path / "source")
    before = release_digest(folder, BUS)
    CHANGES[change](folder)
    assert release_digest(folder, BUS) != before


def test_where_a_link_ends_and_the_next_name_begins_is_told_apart(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, target, name in ((first, "x", "bc"), (second, "xb", "c")):
        folder.mkdir()
        (folder / "a").symlink_to(target)
        (folder / name).write_text("same")
    assert release_digest(first, BUS) != release_digest(second, BUS)


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.binary(max_size=3), min_size=1, max_size=4
    ),
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.binary(max_size=3), min_size=1, max_size=4
    ),
)
def test_digests_are_equal_exactly_when_the_files_are(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    folders = []
    for files in (first, second):
        folder = tmp_path_factory.mktemp("tree")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        folders.append(folder)
    equal = release_digest(folders[0], BUS) == release_digest(folders[1], BUS)
    assert equal == (first == second)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ApplicationKind.PYTHON},
        {"build": ("make",)},
        {"requirements": "requirements.txt"},
        {"public": "dist"},
        {"entry": "pages:application"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_recipe_gives_another_digest(tmp_path: Path, change: dict[str, object]) -> None:
    folder = write(tmp_path)
    changed = msgspec.structs.replace(BUS, **change)
    assert release_digest(folder, changed) != release_digest(folder, BUS)


def test_what_only_matters_at_run_time_gives_no_new_release(tmp_path: Path) -> None:
    folder = write(tmp_path)
    changed = application(
        environment={"COLOUR": "red"}, limits=Limits(memory_mib=64), title="Bus lines"
    )
    assert release_digest(folder, changed) == release_digest(folder, BUS)
    assert declaration_digest(changed) != declaration_digest(BUS)


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_what_is_no_source_does_not_count(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    before = release_digest(folder, BUS)
    write(folder, {f"{name}/inside": "x", f"pages/{name}/inside": "y"})
    assert release_digest(folder, BUS) == before


def test_a_name_that_is_not_utf8_has_a_digest(tmp_path: Path) -> None:
    folder = write(tmp_path)
    before = release_digest(folder, BUS)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("latin-1")
    assert release_digest(folder, BUS) != before


def test_links_inside_are_welcome(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "index.html").symlink_to("pages/home.html")
    (folder / "pages" / "up").symlink_to("..")
    refuse_escaping_links(folder)
    assert release_digest(folder, BUS)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../neighbour", "../pages/../../neighbour"])
def test_a_link_that_leads_out_is_refused_by_name(tmp_path: Path, target: str) -> None:
    folder = write(tmp_path / "source")
    (folder / "pages" / "sly").symlink_to(target)
    with pytest.raises(InvalidInputError) as refused:
        refuse_escaping_links(folder)
    assert refused.value.code == "hosting.link_escapes"
    assert "pages/sly" in str(refused.value)
    assert target in str(refused.value)


def test_a_linked_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "source")
    (tmp_path / "neighbour").mkdir()
    (folder / "files").symlink_to("../neighbour")
    with pytest.raises(InvalidInputError, match="files"):
        refuse_escaping_links(folder)


def test_a_link_that_leads_to_itself_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "loop").symlink_to("loop")
    refuse_escaping_links(folder)
    assert release_digest(folder, BUS)


def test_a_declaration_has_one_digest_whatever_the_order_of_its_variables() -> None:
    first = application(environment={"A": "1", "B": "2"})
    second = application(environment={"B": "2", "A": "1"})
    assert declaration_digest(first) == declaration_digest(second)
