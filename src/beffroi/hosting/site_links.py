"""The links of a site, dissolved: nginx follows none inside it."""

import os
from itertools import count
from pathlib import Path

from beffroi.kernel.errors import InvalidInputError

_NAMED_AGAIN_MOST = 100_000


def dissolve_links(folder: Path) -> None:
    """Replace each link by what it leads to, taking no space for it.

    One that leads nowhere, or to a folder around itself, is left out.

    Raises:
        InvalidInputError: A link leads out, if only from the place that another link gave it,
            or links to folders full of links would never end.
    """
    root = Path(os.path.realpath(folder))
    names = count(1)
    for parent, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                _dissolve(path, root, names)


def _dissolve(path: Path, root: Path, names: "count[int]") -> None:
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(root):
        raise InvalidInputError(
            "hosting.link_escapes", link=path.relative_to(root), target=path.readlink()
        )
    leads_somewhere = target.exists() and not path.parent.is_relative_to(target)
    path.unlink()
    if leads_somewhere:
        _name_again(target, path, root, names)


def _name_again(source: Path, path: Path, root: Path, names: "count[int]") -> None:
    """Give a file a second name, or the files of a folder."""
    if next(names) > _NAMED_AGAIN_MOST:
        raise InvalidInputError(
            "hosting.links_endless", link=path.relative_to(root), most=_NAMED_AGAIN_MOST
        )
    if source.is_symlink():
        path.symlink_to(source.readlink())
    elif source.is_dir():
        path.mkdir()
        for entry in source.iterdir():
            _name_again(entry, path / entry.name, root, names)
    else:
        os.link(source, path)
