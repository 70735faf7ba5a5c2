"""The links of a site, dissolved: nginx follows none inside it."""

import os
from pathlib import Path

from beffroi.kernel.errors import InvalidInputError

_NAMED_AGAIN_MOST = 50_000
_NESTED_MOST = 40


def dissolve_links(folder: Path, most: int = _NAMED_AGAIN_MOST) -> None:
    """Replace each link by what it leads to, taking no space for it.

    One that leads nowhere, or to a folder around itself, is left out. A link inside a folder
    that another link names again means what it means where it was written.

    Args:
        folder: The site.
        most: How many files and folders the links may give a second name.

    Raises:
        InvalidInputError: A link leads out, or links to folders full of links never end.
    """
    _Site(folder, most).dissolve_links()


class _Site:
    def __init__(self, folder: Path, most: int) -> None:
        self._root = Path(os.path.realpath(folder))
        self._most = most
        self._named_again = 0

    def dissolve_links(self) -> None:
        for parent, folders, files in os.walk(self._root):
            for name in (*folders, *files):
                path = Path(parent, name)
                if path.is_symlink():
                    target = self._target_of(path)
                    path.unlink()
                    self._name_again(target, path, (path.parent,))

    def _name_again(self, source: Path, path: Path, around: tuple[Path, ...]) -> None:
        """Give a file a second name, or the files of a folder.

        Args:
            source: Where it really lies.
            path: Its new name.
            around: The folders, as they really lie, inside which this happens.
        """
        self._named_again += 1
        if self._named_again > self._most or len(around) > _NESTED_MOST:
            link = path.relative_to(self._root)
            raise InvalidInputError("hosting.links_endless", link=link, most=self._most)
        if source.is_dir():
            if any(one.is_relative_to(source) for one in around):
                return
            path.mkdir()
            for entry in list(os.scandir(source)):
                lies = self._target_of(Path(entry)) if entry.is_symlink() else Path(entry)
                self._name_again(lies, path / entry.name, (*around, source))
        elif source.exists():
            os.link(source, path)

    def _target_of(self, path: Path) -> Path:
        target = Path(os.path.realpath(path))
        if not target.is_relative_to(self._root):
            link, leads_to = path.relative_to(self._root), path.readlink()
            raise InvalidInputError("hosting.link_escapes", link=link, target=leads_to)
        return target
