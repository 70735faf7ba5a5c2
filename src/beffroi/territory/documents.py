"""One file of a territory: its plain data, and the place of every path in it."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, KeyPath, Mistake, Place
from beffroi.territory.plain import PlainReader, child
from beffroi.territory.yaml_text import bytes_of, place_of, root_of, text_of

_TOLD_LENGTH = 60


class Document(msgspec.Struct, frozen=True, eq=False):
    """A file as read; ``root`` is absent when nothing of it could be read."""

    file: Path
    content: bytes
    root: yaml.MappingNode | None
    data: dict[str, Any]
    findings: tuple[Finding, ...]

    def place(self, path: KeyPath, *, at_key: bool = False) -> Place:
        """Tell where the value of a path stands, or its key.

        What a file leaves to its default is told at the key of the nearest thing it writes.
        """
        node: yaml.Node | None = self.root
        key_node = node
        for key in path:
            pair = child(node, key) if node is not None else None
            if pair is None:
                node = key_node
                break
            key_node, node = pair
        shown = key_node if at_key else node
        return Place(str(self.file)) if shown is None else place_of(self.file, shown)

    def told(self, path: KeyPath) -> str:
        """Write the value of a path as the file does, shortened."""
        node: yaml.Node | None = self.root
        for key in path:
            pair = child(node, key) if node is not None else None
            node = pair[1] if pair is not None else None
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)[:_TOLD_LENGTH]
        return "{…}" if isinstance(node, yaml.MappingNode) else "[…]"

    def located(self, mistake: Mistake) -> Finding:
        """Put a mistake at its place in this file."""
        return Finding.of(mistake, self.place(mistake.path, at_key=mistake.at_key))


def read_document(file: Path) -> Document:
    """Read a file, its mistakes among its findings."""
    content = b""
    try:
        content = bytes_of(file)
        root = root_of(file, text_of(file, content))
        reader = PlainReader(file)
        data = reader.mapping(root)
    except TerritoryInvalidError as error:
        return Document(file, content, None, {}, error.found)
    return Document(file, content, root, data, tuple(reader.findings))
