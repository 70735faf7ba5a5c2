"""What every source driver owes: the same tree from the same files, and clear refusals."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from beffroi.hosting.drivers.sources import SOURCES, driver_of
from beffroi.kernel.errors import FailedError
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.units import GIB
from beffroi.territory.model import Source

FILES = {
    "run.sh": b"#!/bin/sh\necho up\n",
    "pages/home.html": "<h1>Été".encode(),
    "pages/deep/empty.txt": b"",
    "data.bin": bytes(range(256)) * 300,
}
MADE_BY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@lomme.example")

Packing = Callable[[Path, Path], Awaitable[Source]]


async def git(folder: Path, *arguments: str) -> str:
    result = await run_command(
        ["git", *IDENTITY, *arguments],
        deadline_s=30,
        environment={**os.environ, **MADE_BY},
        folder=folder,
    )
    assert result.status == 0, result.output
    return result.output.strip()


async def as_folder(tree: Path, base: Path) -> Source:  # noqa: ARG001 - one signature for all
    return Source(folder=str(tree))


async def as_tar_gz(tree: Path, base: Path) -> Source:
    with tarfile.open(base / "source.tar.gz", "w:gz") as packed:
        for entry in tree.iterdir():
            packed.add(entry, entry.name)
    return Source(archive=str(base / "source.tar.gz"))


async def as_tar_with_one_folder(tree: Path, base: Path) -> Source:
    with tarfile.open(base / "source.tar", "w") as packed:
        packed.add(tree, "bus-1.0")
    return Source(archive=str(base / "source.tar"))


async def as_zip(tree: Path, base: Path) -> Source:
    with zipfile.ZipFile(base / "source.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(tree.rglob("*")):
            packed.write(path, path.relative_to(tree))
    return Source(archive=str(base / "source.zip"))


async def as_git(tree: Path, base: Path) -> Source:  # noqa: ARG001 - one signature for all
    await git(tree, "init", "--quiet", "--initial-branch=main")
    await git(tree, "add", ".")
    await git(tree, "commit", "--quiet", "--message=first")
    return Source(git=str(tree))


PACKINGS = (as_folder, as_tar_gz, as_tar_with_one_folder, as_zip, as_git)


@pytest.fixture(params=PACKINGS, ids=lambda packing: packing.__name__)
def packing(request: pytest.FixtureRequest) -> Packing:
    made: Packing = request.param
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files of an application."""
    folder = tmp_path / "tree"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """The new folder that is filled, beside which nothing may appear."""
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace" / "app"


def fetched(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def left_beside(into: Path) -> set[str]:
    """Name what lies outside the folder that was to be filled."""
    return {
        str(path.relative_to(into.parent))
        for path in into.parent.rglob("*")
        if path != into and not path.is_relative_to(into)
    }


async def refusal(source: Source, into: Path) -> FailedError:
    with pytest.raises(FailedError) as refused:
        await driver_of(source).fetch(source, into)
    assert left_beside(into) == set()
    assert str(refused.value)
    return refused.value


async def test_every_source_gives_the_same_tree(packing: Packing, tree: Path, into: Path) -> None:
    source = await packing(tree, tree.parent)
    await driver_of(source).fetch(source, into)
    assert fetched(into) == FILES
    assert left_beside(into) == set()


async def test_every_source_keeps_what_may_be_executed(
    packing: Packing, tree: Path, into: Path
) -> None:
    source = await packing(tree, tree.parent)
    await driver_of(source).fetch(source, into)
    assert (into / "run.sh").stat().st_mode & stat.S_IXUSR
    assert not (into / "data.bin").stat().st_mode & stat.S_IXUSR


async def test_the_origin_names_the_source(packing: Packing, tree: Path, into: Path) -> None:
    source = await packing(tree, tree.parent)
    origin = await driver_of(source).fetch(source, into)
    assert origin.startswith(source.folder or source.archive or source.git)


@pytest.mark.parametrize("kind", sorted(SOURCES))
async def test_a_missing_source_is_told_by_its_name(kind: str, tmp_path: Path, into: Path) -> None:
    missing = str(tmp_path / "not-there")
    source = Source(**{kind: missing})
    told = await refusal(source, into)
    assert told.code in ("hosting.source_missing", "hosting.git_failed")
    assert missing in str(told)


async def test_the_folder_is_copied_not_moved_nor_linked(tree: Path, into: Path) -> None:
    source = Source(folder=str(tree))
    await driver_of(source).fetch(source, into)
    (into / "run.sh").write_text("changed")
    assert fetched(tree) == FILES


async def test_links_of_a_folder_stay_links(tree: Path, into: Path) -> None:
    (tree / "index.html").symlink_to("pages/home.html")
    source = Source(folder=str(tree))
    await driver_of(source).fetch(source, into)
    assert (into / "index.html").readlink() == Path("pages/home.html")


async def test_what_cannot_be_copied_of_a_folder_is_told(tree: Path, into: Path) -> None:
    os.mkfifo(tree / "pipe")
    told = await refusal(Source(folder=str(tree)), into)
    assert "pipe" in str(told)


async def test_what_is_no_source_is_left_out_of_a_folder(tree: Path, into: Path) -> None:
    (tree / "node_modules").mkdir()
    (tree / "node_modules" / "big").write_text("x")
    source = Source(folder=str(tree))
    await driver_of(source).fetch(source, into)
    assert fetched(into) == FILES


@pytest.mark.parametrize("name", ["source.tar.gz", "source.zip", "source.tar.xz", "source.tar.bz2"])
async def test_an_archive_that_is_none_is_refused(name: str, tmp_path: Path, into: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"this is no archive" * 100)
    assert (await refusal(Source(archive=str(path)), into)).code == "hosting.archive_unreadable"


async def test_an_empty_archive_file_is_refused(tmp_path: Path, into: Path) -> None:
    (tmp_path / "empty.tar").touch()
    told = await refusal(Source(archive=str(tmp_path / "empty.tar")), into)
    assert told.code == "hosting.archive_unreadable"


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
async def test_a_tar_archive_cut_short_is_refused(
    mode: str, share: float, tree: Path, into: Path
) -> None:
    path = tree.parent / f"source.tar.{mode}"
    with tarfile.open(str(path), f"w:{mode}") as packed:  # type: ignore[call-overload]
        (tree / "noise").write_bytes(os.urandom(50_000))
        packed.add(tree, "bus")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert (await refusal(Source(archive=str(path)), into)).code == "hosting.archive_unreadable"


@pytest.mark.parametrize("packed_as", [as_tar_gz, as_zip], ids=["tar.gz", "zip"])
async def test_an_archive_with_damaged_content_is_refused(
    packed_as: Packing, tree: Path, into: Path
) -> None:
    for name in tuple(FILES):
        (tree / name).unlink()
    (tree / "noise").write_bytes(os.urandom(50_000))
    source = await packed_as(tree, tree.parent)
    path = Path(source.archive)
    content = bytearray(path.read_bytes())
    for place in range(20_000, 20_400):
        content[place] ^= 0xFF
    path.write_bytes(bytes(content))
    assert (await refusal(source, into)).code == "hosting.archive_unreadable"


def _tar_of(path: Path, *members: tarfile.TarInfo) -> Source:
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(b"x" * member.size))
    return Source(archive=str(path))


def _member(name: str, **values: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for key, value in {"size": 1, **values}.items():
        setattr(member, key, value)
    return member


SLY_MEMBERS = {
    "parent path": (_member("../../evil"),),
    "parent path inside": (_member("pages/../../evil"),),
    "link to the outside": (_member("evil", size=0, type=tarfile.SYMTYPE, linkname="/etc"),),
    "through a link": (
        _member("way", size=0, type=tarfile.SYMTYPE, linkname="../.."),
        _member("way/evil"),
    ),
    "hard link to the outside": (
        _member("evil", size=0, type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
    ),
    "device": (_member("disk", size=0, type=tarfile.BLKTYPE, devmajor=8),),
    "pipe": (_member("pipe", size=0, type=tarfile.FIFOTYPE),),
}


@pytest.mark.parametrize("sly", SLY_MEMBERS)
async def test_a_tar_archive_that_leaves_its_folder_is_refused(
    sly: str, tmp_path: Path, into: Path
) -> None:
    source = _tar_of(tmp_path / "sly.tar.gz", *SLY_MEMBERS[sly])
    assert (await refusal(source, into)).code == "hosting.archive_unreadable"
    assert not [path for path in tmp_path.rglob("evil") if not path.is_symlink()]


@pytest.mark.parametrize("name", ["../evil", "pages/../../evil", "/tmp/beffroi-evil"])
async def test_a_zip_archive_that_leaves_its_folder_is_refused(
    name: str, tmp_path: Path, into: Path
) -> None:
    path = tmp_path / "sly.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name, "x")
        packed.writestr("honest", "x")
    told = await refusal(Source(archive=str(path)), into)
    assert told.code == "hosting.archive_unreadable"
    assert name in str(told)
    assert not [*tmp_path.rglob("*evil"), *Path("/tmp").glob("beffroi-evil")]


async def test_a_tar_archive_that_declares_a_huge_size_is_refused_unread(
    tmp_path: Path, into: Path
) -> None:
    path = tmp_path / "huge.tar"
    header = _member("huge", size=900 * GIB).tobuf(tarfile.GNU_FORMAT)
    path.write_bytes(header + b"\0" * 10_240)
    told = await refusal(Source(archive=str(path)), into)
    assert told.code == "hosting.archive_large"
    assert "900.0 GiB" in str(told)


async def test_a_tar_archive_of_many_files_is_refused_once_their_sum_is_huge(
    tmp_path: Path, into: Path
) -> None:
    path, each = tmp_path / "many.tar", 300 * 1024 * 1024
    with path.open("wb") as sparse:
        for number in range(8):
            sparse.write(_member(f"zeros-{number}", size=each).tobuf(tarfile.GNU_FORMAT))
            sparse.seek(each, os.SEEK_CUR)
        sparse.truncate(sparse.tell() + 10_240)
    assert (await refusal(Source(archive=str(path)), into)).code == "hosting.archive_large"


async def test_a_zip_archive_that_declares_a_huge_size_is_refused(
    tmp_path: Path, into: Path
) -> None:
    path = tmp_path / "huge.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("huge", "x")
        packed.filelist[0].file_size = 3 * GIB
    told = await refusal(Source(archive=str(path)), into)
    assert told.code == "hosting.archive_large"


async def test_a_zip_archive_that_needs_a_password_is_refused(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "locked.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("secret", "x")
    content = bytearray(path.read_bytes())
    for sign in (b"PK\x03\x04", b"PK\x01\x02"):
        place = content.index(sign) + (6 if sign.endswith(b"\x04") else 8)
        content[place] |= 1
    path.write_bytes(bytes(content))
    assert (await refusal(Source(archive=str(path)), into)).code == "hosting.archive_unreadable"


async def test_a_branch_a_tag_and_a_commit_are_found(tree: Path, into: Path) -> None:
    source = await as_git(tree, tree.parent)
    first = await git(tree, "rev-parse", "HEAD")
    await git(tree, "tag", "v1")
    (tree / "data.bin").write_bytes(b"second")
    await git(tree, "commit", "--quiet", "--all", "--message=second")
    await git(tree, "branch", "stable")
    for ref, content in (("stable", b"second"), ("v1", FILES["data.bin"]), (first, None)):
        folder = into.with_name(f"app-{ref}")
        chosen = Source(git=source.git, ref=ref)
        origin = await driver_of(chosen).fetch(chosen, folder)
        assert (folder / "data.bin").read_bytes() == (content or FILES["data.bin"])
        if ref == first:
            assert first.startswith(origin.rpartition("@")[2])


async def test_the_history_is_not_part_of_a_release(tree: Path, into: Path) -> None:
    source = await as_git(tree, tree.parent)
    await driver_of(source).fetch(source, into)
    assert not (into / ".git").exists()


async def test_an_unknown_ref_is_told(tree: Path, into: Path) -> None:
    source = await as_git(tree, tree.parent)
    told = await refusal(Source(git=source.git, ref="no-such-branch"), into)
    assert told.code == "hosting.git_failed"
    assert "no-such-branch" in str(told)


async def test_a_folder_that_is_no_repository_is_told(tmp_path: Path, into: Path) -> None:
    (tmp_path / "plain").mkdir()
    told = await refusal(Source(git=str(tmp_path / "plain")), into)
    assert told.code == "hosting.git_failed"


async def test_the_machines_own_git_settings_and_hooks_do_not_run(
    tree: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tree.parent / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {home}/hook-ran\n")
    (hooks / "post-checkout").chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\nhooksPath = {hooks}\n[filter "sly"]\nsmudge = touch {home}/filter-ran; cat\n'
    )
    (tree / ".gitattributes").write_text("*.html filter=sly\n")
    source = await as_git(tree, tree.parent)
    monkeypatch.setenv("HOME", str(home))
    await driver_of(source).fetch(source, into)
    assert (into / "pages" / "home.html").read_bytes() == FILES["pages/home.html"]
    assert sorted(path.name for path in home.iterdir()) == [".gitconfig", "hooks"]
