"""A territory file with all the files that it includes."""

import os
import re
from collections import deque
from glob import glob
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.territory.documents import Document, read_document
from beffroi.territory.findings import Finding, KeyPath, Mistake
from beffroi.territory.formats import INCLUDE_GLOB
from beffroi.territory.model import Declarations

SECTIONS: Final = Declarations.__struct_fields__
MAX_FILES: Final = 1000
_GLOB: Final = re.compile(INCLUDE_GLOB)


class TerritoryFiles(msgspec.Struct, frozen=True, eq=False):
    """Files in the order in which they were met, the territory file first."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]

    @property
    def root(self) -> Document:
        """The territory file itself."""
        return self.documents[0]

    @property
    def digest(self) -> str:
        """The SHA-256 of all contents, which changes when a file does."""
        digests = (sha256(document.content).digest() for document in self.documents)
        return sha256(b"".join(digests)).hexdigest()

    def declared(self, section: str) -> dict[str, Any]:
        """Return the entries of a section from every file, the first declaration prevailing."""
        entries: dict[str, Any] = {}
        for document in self.documents:
            for name, entry in _entries(document, section).items():
                entries.setdefault(name, entry)
        return entries

    def document_of(self, path: KeyPath) -> Document:
        """Tell which file declares the entry that a path leads to."""
        section, *names = (str(key) for key in path[:2]) if path else ("",)
        for document in self.documents:
            if (names and names[0] in _entries(document, section)) or (
                not names and section in document.data
            ):
                return document
        return self.root

    def located(self, mistake: Mistake) -> Finding:
        """Put a mistake at its place in the file that declares it."""
        return self.document_of(mistake.path).located(mistake)


def read_files(file: Path) -> TerritoryFiles:
    """Read a territory file and all it includes, each file once."""
    reading = _Reading()
    reading.read_all(file)
    documents = tuple(reading.documents.values())
    return TerritoryFiles(documents, (*reading.findings, *_declared_twice(documents)))


class _Reading:
    """Files read so far, by their real path."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.findings: list[Finding] = []
        self._waiting: deque[tuple[Path, tuple[str, ...]]] = deque()

    def read_all(self, file: Path) -> None:
        self._waiting.append((file, ()))
        while self._waiting:
            path, chain = self._waiting.popleft()
            real = os.path.realpath(path)
            if real not in self.documents:
                self.documents[real] = read_document(path)
                self._follow(self.documents[real], (*chain, real))

    def _follow(self, document: Document, chain: tuple[str, ...]) -> None:
        for place, pattern in _patterns(document):
            # Path.glob refuses patterns such as "a**.yaml" with an exception.
            folder = document.file.parent
            matches = sorted(glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
            if not matches:
                self._refuse(document, "territory.include_missing", place, pattern=pattern)
            for match in matches:
                included = folder / match
                if os.path.realpath(included) in chain:
                    self._refuse(document, "territory.include_loop", place, file=match)
                elif len(self.documents) + len(self._waiting) >= MAX_FILES:
                    self._refuse(document, "territory.too_many_files", place, maximum=MAX_FILES)
                    return
                else:
                    self._waiting.append((included, chain))

    def _refuse(self, document: Document, code: str, place: int, **values: object) -> None:
        self.findings.append(document.located(Mistake(code, ("include", place), values)))


def _patterns(document: Document) -> list[tuple[int, str]]:
    """Return the patterns that have the right shape; the others are told by the schema."""
    listed = document.data.get("include")
    patterns = enumerate(listed) if isinstance(listed, list) else ()
    return [
        (place, pattern)
        for place, pattern in patterns
        if isinstance(pattern, str) and _GLOB.match(pattern)
    ]


def _entries(document: Document, section: str) -> dict[str, Any]:
    entries = document.data.get(section)
    return entries if isinstance(entries, dict) else {}


def _declared_twice(documents: tuple[Document, ...]) -> list[Finding]:
    findings = []
    for section in SECTIONS:
        first: dict[str, Document] = {}
        for document in documents:
            for name in _entries(document, section):
                if name in first:
                    other = first[name].place((section, name), at_key=True)
                    values = {"name": name, "other": other}
                    mistake = Mistake(
                        "territory.declared_twice", (section, name), values, at_key=True
                    )
                    findings.append(document.located(mistake))
                first.setdefault(name, document)
    return findings
