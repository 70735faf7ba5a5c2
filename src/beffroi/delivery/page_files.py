"""The folders of the page store: what nginx serves without asking anybody.

``links/<host><path>@<query>`` is a symbolic link to ``answers/<application>/<set>/<digest>``,
which holds an answer's body in each encoding; ``apart/`` has the links of what takes nginx more
than showing a file. Paths hold no ``@``: a folder of links and a link never want the same name.
What is shown comes to its place whole, by one rename from ``work``; a process that is killed
leaves nothing but work, which ``settle`` removes. Nothing is forced to the disk: what a crash of
the machine left is not to be trusted, hence ``clear``.
"""

import os
import secrets
import shutil
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from beffroi.delivery.page_keys import PageKey, link_name

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755
_DIGEST_LENGTH = 16
_LINKS, _APART, _ANSWERS, _WORK = "links", "apart", "answers", "work"
_SHOWN = (_LINKS, _APART)
# Seconds that every file system keeps: 31 bits, of which 12 tell the header set.
_DATE_BITS, _SET_BITS = 31, 12
Place = tuple[str, str, str]


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer on disk."""

    digest: str
    size_bytes: int


class PageFiles:
    """The one hand that writes the page store; its methods may run in several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for folder in (root, *(root / name for name in (*_SHOWN, _ANSWERS, _WORK))):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(_FOLDER_MODE)
        # Names relative to an open folder are resolved by the kernel from there.
        self._folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Held where an empty folder may go, and where one was made and is not used yet.
        self._pruning = threading.Lock()
        weakref.finalize(self, os.close, self._folder)

    def put_answer(
        self,
        application: str,
        header_set: str,
        variants: Mapping[str, bytes],
    ) -> StoredAnswer:
        """Write an answer, unless it lies there already: then it stays.

        Args:
            application: Whose answer it is.
            header_set: Name of the headers it is shown with.
            variants: The body by encoding; ``identity`` is always there.
        """
        digest = sha256(variants["identity"]).hexdigest()[:_DIGEST_LENGTH]
        answer = _answer(application, header_set, digest)
        size_bytes = self._size_bytes(answer)
        if size_bytes is not None:
            return StoredAnswer(digest, size_bytes)
        work = self._new_work()
        try:
            os.mkdir(work, dir_fd=self._folder)
            os.chmod(work, _FOLDER_MODE, dir_fd=self._folder)
            for encoding, body in variants.items():
                self._write(f"{work}/{encoding}", body, _date(digest, encoding, header_set))
            self._move(work, answer)
        except OSError:
            self._remove(work)
            size_bytes = self._size_bytes(answer)
            if size_bytes is None:
                raise
            return StoredAnswer(digest, size_bytes)
        return StoredAnswer(digest, sum(map(len, variants.values())))

    def add_variants(
        self, application: str, header_set: str, digest: str, variants: Mapping[str, bytes]
    ) -> None:
        """Put more encodings beside an answer's own, each from one moment to the next.

        Raises:
            FileNotFoundError: The answer is no more.
        """
        answer = _answer(application, header_set, digest)
        for encoding, body in variants.items():
            work = self._new_work()
            try:
                self._write(work, body, _date(digest, encoding, header_set))
                self._rename(work, f"{answer}/{encoding}")
            except OSError:
                self._remove(work)
                raise

    def publish(
        self, key: PageKey, application: str, header_set: str, digest: str, *, apart: bool
    ) -> None:
        """Show an answer under a key, at once in the place of another.

        Args:
            key: What visitors ask for.
            application: Whose answer it is.
            header_set: Name of its headers.
            digest: Of its body.
            apart: It takes more than showing a file: another status, or headers that nginx does
                not know yet.

        Raises:
            FileNotFoundError: There is no such answer.
        """
        self._show(
            f"{_APART if apart else _LINKS}/{link_name(key)}", application, header_set, digest
        )
        self._withdraw(f"{_LINKS if apart else _APART}/{link_name(key)}")

    def _show(self, link: str, application: str, header_set: str, digest: str) -> None:
        answer = _answer(application, header_set, digest)
        os.stat(answer, dir_fd=self._folder)
        # Most fills show what was not shown before: then the link is made in its place.
        with suppress(FileExistsError, FileNotFoundError):
            os.symlink(_target(link, answer), link, dir_fd=self._folder)
            return
        work = self._new_work()
        os.symlink(_target(link, answer), work, dir_fd=self._folder)
        try:
            self._move(work, link)
        except OSError:
            self._remove(work)
            raise

    def withdraw(self, key: PageKey) -> None:
        """Show nothing more under a key."""
        for folder in _SHOWN:
            self._withdraw(f"{folder}/{link_name(key)}")

    def forget_answer(self, application: str, header_set: str, digest: str) -> None:
        """Remove an answer that no page shows and no fill is about to show."""
        answer = _answer(application, header_set, digest)
        self._take_away(answer)
        self._prune(answer)

    def body(self, application: str, header_set: str, digest: str) -> bytes:
        """Return an answer's body without any encoding.

        Raises:
            FileNotFoundError: There is no such answer.
        """
        answer = _answer(application, header_set, digest)
        return (self._root / answer / "identity").read_bytes()

    def sizes(self, application: str, header_set: str, digest: str) -> Mapping[str, int]:
        """Return how many bytes each encoding of an answer has; nothing where none lies."""
        answer = f"{self._root}/{_answer(application, header_set, digest)}"
        try:
            with os.scandir(answer) as files:
                return {file.name.partition(".")[0]: file.stat().st_size for file in files}
        except FileNotFoundError:
            return {}

    def published(self) -> Iterator[tuple[PageKey, str, str, str]]:
        """Walk the links: key, application, header set and digest of each."""
        for link, target in self._links():
            address, _, query = link.partition("/")[2].partition("@")
            host, slash, path = address.partition("/")
            place = target.rpartition(f"../{_ANSWERS}/")[2].split("/")
            if len(place) == 3:
                yield PageKey(host, slash + path, query), place[0], place[1], place[2]

    def settle(self, known: Mapping[PageKey, Place]) -> int:
        """Remove what a killed process left: work, and what the index does not know.

        Args:
            known: Application, header set and digest of each page of the index.

        Returns:
            How many works, links and answers were removed.
        """
        removed = self._empty(_WORK)
        answers = {_answer(*place) for place in known.values()}
        lost = [answer for answer in self._leaves(_ANSWERS, 3) if answer not in answers]
        for answer in lost:
            self._take_away(answer)
            self._prune(answer)
        wanted = {
            f"{folder}/{link_name(key)}": _answer(*place)
            for folder in _SHOWN
            for key, place in known.items()
        }
        for link, target in list(self._links()):
            answer = wanted.get(link, "")
            if target != _target(link, answer) or not self._lies(answer):
                self._take_away(link)
                self._prune(link)
                removed += 1
        return removed + len(lost)

    def clear(self) -> None:
        """Remove every link, then every answer and work."""
        for name in (*_SHOWN, _ANSWERS, _WORK):
            self._empty(name)

    def _new_work(self) -> str:
        return f"{_WORK}/{secrets.token_hex(8)}"

    def _write(self, name: str, body: bytes, date: int) -> None:
        descriptor = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE, dir_fd=self._folder
        )
        try:
            os.fchmod(descriptor, _FILE_MODE)
            rest = memoryview(body)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.utime(descriptor, (date, date))
        finally:
            os.close(descriptor)

    def _move(self, source: str, target: str) -> None:
        try:
            self._rename(source, target)
        except FileNotFoundError:
            with self._pruning:
                self._make_folder(target.rpartition("/")[0])
                self._rename(source, target)

    def _rename(self, source: str, target: str) -> None:
        os.rename(source, target, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _make_folder(self, name: str) -> None:
        made = ""
        for part in name.split("/"):
            made += part
            with suppress(FileExistsError):
                os.mkdir(made, dir_fd=self._folder)
                os.chmod(made, _FOLDER_MODE, dir_fd=self._folder)
            made += "/"

    def _withdraw(self, link: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(link, dir_fd=self._folder)
            self._prune(link)

    def _prune(self, name: str) -> None:
        """Remove the folders that held the name alone."""
        with self._pruning, suppress(OSError):
            folder = name.rpartition("/")[0]
            while "/" in folder:
                with suppress(FileNotFoundError):
                    os.rmdir(folder, dir_fd=self._folder)
                folder = folder.rpartition("/")[0]

    def _take_away(self, name: str) -> None:
        work = self._new_work()
        with suppress(FileNotFoundError):
            self._rename(name, work)
            self._remove(work)

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            try:
                os.unlink(name, dir_fd=self._folder)
            except IsADirectoryError:
                shutil.rmtree(name, dir_fd=self._folder)

    def _empty(self, folder: str) -> int:
        names = [path.name for path in (self._root / folder).iterdir()]
        for name in names:
            self._remove(f"{folder}/{name}")
        return len(names)

    def _lies(self, answer: str) -> bool:
        return answer != "" and (self._root / answer).is_dir()

    def _size_bytes(self, answer: str) -> int | None:
        try:
            with os.scandir(f"{self._root}/{answer}") as files:
                return sum(file.stat().st_size for file in files)
        except FileNotFoundError:
            return None

    def _links(self) -> Iterator[tuple[str, str]]:
        """Walk the links with their targets; a target is empty where no link lies."""
        for link in (*self._leaves(_LINKS), *self._leaves(_APART)):
            path = self._root / link
            yield link, os.fspath(path.readlink()) if path.is_symlink() else ""

    def _leaves(self, folder: str, levels: int | None = None) -> Iterator[str]:
        """Walk what is no folder, is an empty one, or lies so many levels down."""
        waiting = [(folder, levels)]
        while waiting:
            name, left = waiting.pop()
            with os.scandir(self._root / name) as found:
                entries = list(found)
            below = None if left is None else left - 1
            for entry in entries:
                if below != 0 and entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{name}/{entry.name}", below))
                else:
                    yield f"{name}/{entry.name}"
            if not entries and name != folder:
                yield name


def _answer(application: str, header_set: str, digest: str) -> str:
    return f"{_ANSWERS}/{application}/{header_set}/{digest}"


def _target(link: str, answer: str) -> str:
    return "../" * link.count("/") + answer


def _date(digest: str, encoding: str, header_set: str) -> int:
    """Return the date of a file: nginx makes its ETag of it and of the size.

    Its last bits are the number of the header set, the others come from the content: an ETag that
    a browser holds is that of another content once in half a million changes that keep the size.
    """
    drawn = int.from_bytes(sha256(f"{digest} {encoding}".encode()).digest()[:4])
    # Never 0: nginx leaves out leading zeros, and the number has three digits.
    content = 1 + drawn % ((1 << (_DATE_BITS - _SET_BITS)) - 1)
    return content << _SET_BITS | int(header_set, 16)
