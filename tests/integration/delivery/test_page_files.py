"""The page store's folders: what is shown is whole, at every moment."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey, link_name

HOST = "www.ville.localhost"
SET = "05f"
OTHER_SET = "a00"
KILLS = 25
_WRITER = """
import itertools, sys
from pathlib import Path
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey

files = PageFiles(Path(sys.argv[1]))
print("writing", flush=True)
for number in itertools.count(int(sys.argv[2])):
    body = (b"%d " % number) * 4096
    variants = {name: name.encode() + body for name in ("br", "gzip", "zstd")}
    stored = files.put_answer("portail", sys.argv[3], {"identity": body, **variants})
    page = PageKey("h", f"/{number % 7}/page", "")
    files.publish(page, "portail", sys.argv[3], stored.digest, apart=number % 2 == 0)
    if number % 3 == 0:
        files.withdraw(PageKey("h", f"/{number % 5}/page", ""))
"""


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    return PageFiles(tmp_path / "store")


def key(path: str, query: str = "") -> PageKey:
    return PageKey(HOST, path, query)


def show(files: PageFiles, shown: PageKey, body: bytes, *, apart: bool = False) -> str:
    """Store a body and publish it; return its digest."""
    stored = files.put_answer("portail", SET, {"identity": body})
    files.publish(shown, "portail", SET, stored.digest, apart=apart)
    return stored.digest


def seen(root: Path, shown: PageKey, folder: str = "links") -> bytes | None:
    """Read what nginx would serve."""
    try:
        return (root / "store" / folder / link_name(shown) / "identity").read_bytes()
    except FileNotFoundError:
        return None


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_answer_is_a_folder_with_a_file_for_each_encoding(
    files: PageFiles, tmp_path: Path
) -> None:
    variants = {"identity": b"page", "br": b"b", "gzip": b"gz", "zstd": b"zst"}

    stored = files.put_answer("portail", SET, variants)

    folder = tmp_path / "store/answers/portail" / SET / stored.digest
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == variants
    assert stored.size_bytes == 10
    assert len(stored.digest) == 16
    assert files.body("portail", SET, stored.digest) == b"page"
    assert files.sizes("portail", SET, stored.digest) == {
        name: len(body) for name, body in variants.items()
    }


def test_an_answer_that_takes_more_than_its_file_is_shown_apart(
    files: PageFiles, tmp_path: Path
) -> None:
    digest = show(files, key("/a"), b"page")
    for apart in (True, False, True):
        files.publish(key("/a"), "portail", SET, digest, apart=apart)
        shown = [seen(tmp_path, key("/a"), folder) for folder in ("links", "apart")]
        assert shown == ([None, b"page"] if apart else [b"page", None])
    assert list(files.published()) == [(key("/a"), "portail", SET, digest)]

    files.withdraw(key("/a"))

    assert list(files.published()) == []
    assert below(tmp_path / "store/apart") == []


def test_nginx_may_read_all_of_it_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0o077)
    try:
        show(PageFiles(tmp_path / "store"), key("/a/b/c"), b"page")
    finally:
        os.umask(former)

    modes = {
        (path.is_dir(), path.stat().st_mode & 0o777) for path in (tmp_path / "store").rglob("*")
    }
    assert modes == {(True, 0o755), (False, 0o644)}


def test_the_same_body_stays_the_same_file(files: PageFiles, tmp_path: Path) -> None:
    first = files.put_answer("portail", SET, {"identity": b"page", "br": b"b"})
    path = tmp_path / "store/answers/portail" / SET / first.digest / "identity"
    before = path.stat()

    again = files.put_answer("portail", SET, {"identity": b"page"})

    after = path.stat()
    assert again == first
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert below(tmp_path / "store/work") == []


def test_one_body_under_two_header_sets_is_two_answers(files: PageFiles) -> None:
    first = files.put_answer("portail", SET, {"identity": b"page"})
    second = files.put_answer("portail", OTHER_SET, {"identity": b"page"})

    files.forget_answer("portail", SET, first.digest)

    assert files.body("portail", OTHER_SET, second.digest) == b"page"
    with pytest.raises(FileNotFoundError):
        files.body("portail", SET, first.digest)


@pytest.mark.parametrize(
    "keys",
    [
        [key("/"), key("/a"), key("/a/"), key("/a/b"), key("/a/b/")],
        [key("/a"), key("/a", "page=2"), key("/a", "page=20")],
        [key("/été"), key("/été/"), key("/été/cité è"), key("/e\u0301te\u0301")],
        [key("/A"), key("/a"), key("/a.html"), key("/.a"), key("/links"), key("/%_")],
        [key(f"/{'n' * 120}", "q" * 120), key(f"/{'n' * 120}/{'é' * 60}", "q" * 120)],
        [key("/" + "/".join("s" * 100 for _ in range(10)), "q=1"), key("/a" * 500 + "/")],
    ],
    ids=["slashes", "queries", "accents", "look-alikes", "long names", "long paths"],
)
def test_pages_with_close_names_coexist(
    files: PageFiles, tmp_path: Path, keys: list[PageKey]
) -> None:
    for order in (keys, keys[::-1]):
        digests = {shown: show(files, shown, link_name(shown).encode()) for shown in order}
        assert {shown: seen(tmp_path, shown) for shown in keys} == {
            shown: link_name(shown).encode() for shown in keys
        }
        assert set(files.published()) == {
            (shown, "portail", SET, digest) for shown, digest in digests.items()
        }
        for shown in order:
            files.withdraw(shown)
        assert list(files.published()) == []
        assert below(tmp_path / "store/links") == []


def test_a_page_that_is_withdrawn_leaves_its_neighbours(files: PageFiles, tmp_path: Path) -> None:
    for path in ("/a", "/a/", "/a/b", "/a/b/c"):
        show(files, key(path), path.encode())

    files.withdraw(key("/a/b"))
    files.withdraw(key("/a/b"))
    files.withdraw(key("/never/shown"))

    shown = {path: seen(tmp_path, key(path)) for path in ("/a", "/a/", "/a/b", "/a/b/c")}
    assert shown == {"/a": b"/a", "/a/": b"/a/", "/a/b": None, "/a/b/c": b"/a/b/c"}


def test_an_answer_that_is_forgotten_leaves_no_folder(files: PageFiles, tmp_path: Path) -> None:
    stored = files.put_answer("portail", SET, {"identity": b"page"})

    files.forget_answer("portail", SET, stored.digest)
    files.forget_answer("portail", SET, stored.digest)

    assert below(tmp_path / "store") == ["answers", "apart", "links", "work"]


def test_nothing_is_published_without_its_answer(files: PageFiles) -> None:
    with pytest.raises(FileNotFoundError):
        files.publish(key("/a"), "portail", SET, "0" * 16, apart=False)

    assert list(files.published()) == []


def test_the_store_can_be_moved(files: PageFiles, tmp_path: Path) -> None:
    show(files, key("/a/b"), b"page")

    moved = (tmp_path / "store").rename(tmp_path / "elsewhere")

    assert (moved / "links" / f"{HOST}/a/b@" / "identity").read_bytes() == b"page"


def test_a_reader_never_finds_a_page_absent_while_it_is_published_again(
    files: PageFiles, tmp_path: Path
) -> None:
    bodies = {b"one" * 999, b"two" * 999}
    digests = [show(files, key("/a"), body) for body in sorted(bodies)]
    done, reads, odd = threading.Event(), 0, []

    def read() -> None:
        nonlocal reads
        while not done.is_set() or reads == 0:
            found = seen(tmp_path, key("/a"))
            reads += 1
            if found not in bodies:
                odd.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1_000):
        files.publish(key("/a"), "portail", SET, digests[number % 2], apart=False)
    done.set()
    reader.join()

    assert odd == []
    assert reads > 10


def test_threads_that_publish_and_withdraw_side_by_side_hinder_nobody(
    files: PageFiles, tmp_path: Path
) -> None:
    failures: list[OSError] = []

    def work(name: str) -> None:
        try:
            for number in range(300):
                show(files, key(f"/shared/deep/{name}"), b"%d" % (number % 3))
                files.withdraw(key(f"/shared/deep/{name}"))
            show(files, key(f"/shared/deep/{name}"), b"last")
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [seen(tmp_path, key(f"/shared/deep/{name}")) for name in "abcd"] == [b"last"] * 4
    assert below(tmp_path / "store/work") == []


def test_settling_removes_what_the_index_does_not_know(files: PageFiles, tmp_path: Path) -> None:
    root = tmp_path / "store"
    known = show(files, key("/known"), b"known")
    show(files, key("/unknown/page"), b"unknown")
    show(files, key("/differs"), b"old")
    newer = files.put_answer("portail", SET, {"identity": b"new"}).digest
    show(files, key("/bare"), b"bare")
    bare = show(files, key("/bare"), b"bare")
    files.forget_answer("portail", SET, bare)
    (root / "work/half").mkdir()
    (root / "work/half" / "identity").write_bytes(b"hal")
    (root / "work/link").symlink_to("../answers")
    (root / "links/empty/folder").mkdir(parents=True)
    (root / "apart/empty/folder").mkdir(parents=True)
    (root / "links/stray").write_text("stray")
    (root / "links" / HOST / "loop").symlink_to("..")

    removed = files.settle(
        {
            key("/known"): ("portail", SET, known),
            key("/differs"): ("portail", SET, newer),
            key("/bare"): ("portail", SET, bare),
        }
    )

    assert list(files.published()) == [(key("/known"), "portail", SET, known)]
    assert below(root / "links") == [HOST, f"{HOST}/known@"]
    assert {path.name for path in (root / "answers/portail" / SET).iterdir()} == {known, newer}
    assert below(root / "work") == []
    assert removed == 11
    assert files.settle({key("/known"): ("portail", SET, known)}) == 1


def test_clearing_leaves_an_empty_store_that_works(files: PageFiles, tmp_path: Path) -> None:
    show(files, key("/a/b"), b"page")

    files.clear()
    assert below(tmp_path / "store") == ["answers", "apart", "links", "work"]

    show(files, key("/a/b"), b"page")
    assert seen(tmp_path, key("/a/b")) == b"page"


def whole_answers(root: Path) -> Iterator[bool]:
    """Tell of each answer in its place whether all of it is there."""
    for folder in (root / "answers").glob("*/*/*"):
        bodies = {path.name.partition(".")[0]: path.read_bytes() for path in folder.iterdir()}
        identity = bodies.get("identity", b"")
        words = identity.split()
        yield (
            len(words) == 4096
            and len(set(words)) == 1
            and bodies
            == {
                "identity": identity,
                **{name: name.encode() + identity for name in ("br", "gzip", "zstd")},
            }
        )


async def test_a_writer_that_is_killed_leaves_only_whole_answers(tmp_path: Path) -> None:
    root = tmp_path / "store"
    halves = pages = 0
    for kill in range(KILLS):
        writer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _WRITER, str(root), str(kill * 100_000), SET),
            stdout=asyncio.subprocess.PIPE,
        )
        assert writer.stdout is not None
        await writer.stdout.readline()
        await asyncio.sleep(0.02 + kill / 2_000)
        writer.send_signal(signal.SIGKILL)
        await writer.communicate()

        files = PageFiles(root)
        halves += len(below(root / "work"))
        shown = {page: place for page, *place in files.published()}
        known = {page: (place[0], place[1], place[2]) for page, place in shown.items()}
        files.settle(known)

        assert below(root / "work") == []
        assert set(files.published()) == {(page, *place) for page, place in known.items()}
        pages += len(known)
        assert len(list((root / "answers").glob("*/*/*"))) == len(set(known.values()))
        assert all(whole_answers(root))
    assert halves > 0
    assert pages > KILLS
