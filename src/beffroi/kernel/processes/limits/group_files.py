"""Reading the small files of control groups; a group that is gone counts as empty."""

from pathlib import Path


def may_make_groups(folder: Path) -> bool:
    """Tell whether this user may make a group in a group, by making one."""
    trial = folder / "beffroi-trial"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def text(path: Path) -> str:
    """Read a file of a group."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def number(path: Path) -> int:
    """Read a file that holds one number."""
    return int(text(path) or 0)


def counter(path: Path, name: str) -> int:
    """Read one line of a file of names and numbers."""
    pairs = dict(line.split() for line in text(path).splitlines())
    return int(pairs.get(name, 0))
