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
SET = "0123456789ab"
OTHER_SET = "ba9876543210"
MODIFIED_AT = 1_700_000_000.0
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
    stored = files.put_answer("portail", sys.argv[3], {"identity": body, **variants}, 1.7e9)
    files.publish(PageKey("h", f"/{number % 7}/page", ""), "portail", sys.argv[3], stored.digest)
    if number % 3 == 0:
        files.withdraw(PageKey("h", f"/{number % 5}/page", ""))
"""


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    return PageFiles(tmp_path / "store")


def key(path: str, query: str = "") -> PageKey:
    return PageKey(HOST, path, query)


def show(files: PageFiles, shown: PageKey, body: bytes) -> str:
    """Store a body and publish it; return its digest."""
    stored = files.put_answer("portail", SET, {"identity": body}, MODIFIED_AT)
    files.publish(shown, "portail", SET, stored.digest)
    return stored.digest


def seen(root: Path, shown: PageKey) -> bytes | None:
    """Read what nginx would serve."""
    try:
        return (root / "store/links" / link_name(shown) / f"identity.{SET}").read_bytes()
    except FileNotFoundError:
        return None


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_answer_is_a_folder_with_a_file_for_each_encoding(
    files: PageFiles, tmp_path: Path
) -> None:
    variants = {"identity": b"page", "br": b"b", "gzip": b"gz", "zstd": b"zst"}

    stored = files.put_answer("portail", SET, variants, MODIFIED_AT)

    folder = tmp_path / "store/answers/portail" / SET / stored.digest
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        f"{name}.{SET}": body for name, body in variants.items()
    }
    assert stored.size_bytes == 10
    assert len(stored.digest) == 16
    assert files.body("portail", SET, stored.digest) == b"page"
    assert {path.stat().st_mtime for path in folder.iterdir()} == {MODIFIED_AT}


def test_pictures_keep_the_ending_of_their_type(files: PageFiles, tmp_path: Path) -> None:
    variants = {"identity": b"jpeg", "webp": b"w", "avif": b"a"}

    stored = files.put_answer("portail", SET, variants, MODIFIED_AT)

    folder = tmp_path / "store/answers/portail" / SET / stored.digest
    assert below(folder) == ["avif.avif", f"identity.{SET}", "webp.webp"]


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
    first = files.put_answer("portail", SET, {"identity": b"page", "br": b"b"}, MODIFIED_AT)
    path = tmp_path / "store/answers/portail" / SET / first.digest / f"identity.{SET}"
    before = path.stat()

    again = files.put_answer("portail", SET, {"identity": b"page"}, MODIFIED_AT + 60)

    after = path.stat()
    assert again == first
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert below(tmp_path / "store/work") == []


def test_one_body_under_two_header_sets_is_two_answers(files: PageFiles) -> None:
    first = files.put_answer("portail", SET, {"identity": b"page"}, MODIFIED_AT)
    second = files.put_answer("portail", OTHER_SET, {"identity": b"page"}, MODIFIED_AT)

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


def test_a_host_is_withdrawn_with_all_its_pages_and_no_other(
    files: PageFiles, tmp_path: Path
) -> None:
    other = PageKey("www.ville.localhost.fr", "/a", "")
    for shown in (key("/"), key("/a/b"), other):
        show(files, shown, b"page")

    files.withdraw_host(HOST)
    files.withdraw_host("unknown.localhost")

    assert [published[0] for published in files.published()] == [other]
    assert below(tmp_path / "store/work") == []


def test_an_answer_that_is_forgotten_leaves_no_folder(files: PageFiles, tmp_path: Path) -> None:
    stored = files.put_answer("portail", SET, {"identity": b"page"}, MODIFIED_AT)

    files.forget_answer("portail", SET, stored.digest)
    files.forget_answer("portail", SET, stored.digest)

    assert below(tmp_path / "store") == ["answers", "links", "work"]


def test_nothing_is_published_without_its_answer(files: PageFiles) -> None:
    with pytest.raises(FileNotFoundError):
        files.publish(key("/a"), "portail", SET, "0" * 16)

    assert list(files.published()) == []


def test_the_store_can_be_moved(files: PageFiles, tmp_path: Path) -> None:
    show(files, key("/a/b"), b"page")

    moved = (tmp_path / "store").rename(tmp_path / "elsewhere")

    assert (moved / "links" / f"{HOST}/a/b@" / f"identity.{SET}").read_bytes() == b"page"


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
        files.publish(key("/a"), "portail", SET, digests[number % 2])
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
    newer = files.put_answer("portail", SET, {"identity": b"new"}, MODIFIED_AT).digest
    show(files, key("/bare"), b"bare")
    bare = show(files, key("/bare"), b"bare")
    files.forget_answer("portail", SET, bare)
    (root / "work/half").mkdir()
    (root / "work/half" / f"identity.{SET}").write_bytes(b"hal")
    (root / "work/link").symlink_to("../answers")
    (root / "links/empty/folder").mkdir(parents=True)
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
    assert removed == 10
    assert files.settle({key("/known"): ("portail", SET, known)}) == 1


def test_clearing_leaves_an_empty_store_that_works(files: PageFiles, tmp_path: Path) -> None:
    show(files, key("/a/b"), b"page")

    files.clear()
    assert below(tmp_path / "store") == ["answers", "links", "work"]

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
    halves = 0
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
        assert len(known) > 0
        assert len(list((root / "answers").glob("*/*/*"))) == len(set(known.values()))
        assert all(whole_answers(root))
    assert halves > 0
