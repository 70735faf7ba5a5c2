"""Names made from content: the same files and the same recipe give the same release."""

import os
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from sys import version_info

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    Hibernation,
    PageRules,
    VisitorLimits,
)

LEFT_OUT = frozenset({".git", ".venv", "__pycache__", "node_modules", ".DS_Store"})
_DIGEST_LENGTH = 16
_BLOCK_BYTES = 1024 * 1024


def release_digest(folder: Path, application: Application) -> str:
    """Return the digest of a source folder under an application's recipe."""
    digest = sha256(_recipe(application))
    for path in source_files(folder):
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0")
        if path.is_symlink():
            digest.update(b"link\0" + os.fsencode(path.readlink()) + b"\0")
            continue
        digest.update(b"run\0" if os.access(path, os.X_OK) else b"file\0")
        digest.update(_content_digest(path))
    return digest.hexdigest()[:_DIGEST_LENGTH]


def declaration_digest(application: Application) -> str:
    """Return the digest of what a declaration asks of a deployment.

    How its pages are stored, its visitors bounded and its process rested needs no new one.
    """
    deployed = msgspec.structs.replace(
        application, pages=PageRules(), hibernation=Hibernation(), visitors=VisitorLimits()
    )
    encoded = msgspec.json.encode(deployed, order="deterministic")
    return sha256(encoded).hexdigest()[:_DIGEST_LENGTH]


def source_files(folder: Path) -> Iterator[Path]:
    """Give the files and links of a source in one order, leaving out what is not source."""
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.name in LEFT_OUT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from source_files(entry)
        else:
            yield entry


def refuse_escaping_links(folder: Path) -> None:
    """Refuse links that lead out of a folder: they could show another application's files.

    Raises:
        InvalidInputError: One does; it is named.
    """
    inside = os.path.realpath(folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            # Not Path.resolve: on Python 3.11 it fails on a link that leads to itself.
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                raise InvalidInputError(
                    "hosting.link_escapes",
                    link=path.relative_to(folder),
                    target=path.readlink(),
                )


def folder_inside(root: Path, relative: str) -> Path:
    """Return where a folder of a source really lies.

    Raises:
        InvalidInputError: It is a link, or lies behind one, that leads out of the source.
    """
    found = Path(os.path.realpath(root / relative))
    if not found.is_relative_to(os.path.realpath(root)):
        raise InvalidInputError("hosting.link_escapes", link=relative, target=found)
    return found


def _recipe(application: Application) -> bytes:
    """Encode what, besides the files, decides how a release comes out."""
    server = version("granian") if application.entry else ""
    runs_python = application.kind is ApplicationKind.PYTHON
    python = f"{version_info.major}.{version_info.minor}" if runs_python else ""
    return msgspec.json.encode(
        (
            application.kind,
            application.requirements,
            application.build,
            application.public,
            server,
            python,
        )
    )


def _content_digest(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.digest()
