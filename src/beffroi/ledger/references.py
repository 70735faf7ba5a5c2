"""Names that a file of accounts uses and must declare; pure."""

from collections.abc import Collection, Iterator

from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.shape import nearest


def unknown_reference(
    name: str, section: str, known: Collection[str], path: KeyPath
) -> Iterator[Mistake]:
    """Say that a name is not declared, and which one looks like it."""
    if not known:
        yield Mistake("territory.empty_section", path, {"name": name, "section": section})
    elif name not in known:
        values = {"name": name, "section": section, "nearest": nearest(name, sorted(known))}
        yield Mistake("territory.unknown_reference", path, values)
