"""From YAML nodes to plain data, and back from a path to its node."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, KeyPath, Mistake
from beffroi.territory.yaml_text import MAX_DEPTH, place_of

MAX_VALUES: Final = 200_000
_TAG: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = frozenset({_TAG + "str", _TAG + "timestamp", _TAG + "value"})
_SCALAR_TAGS: Final = frozenset(_TAG + name for name in ("int", "float", "bool", "null"))
_UNSTORABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Pair = tuple[yaml.Node, yaml.Node]


class PlainReader:
    """Turns the nodes of a file into plain data and collects what cannot be turned.

    Keys and dates stay text, as written; of two equal keys the first one counts.
    """

    def __init__(self, file: Path) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._values_left = MAX_VALUES
        self._constructor = SafeConstructor()

    def mapping(self, node: yaml.MappingNode, path: KeyPath = (), depth: int = 0) -> dict[str, Any]:
        """Return a mapping with the keys that it merges.

        Raises:
            TerritoryInvalidError: Anchors make it stand for more values than a territory has.
        """
        self._count(node, depth)
        data: dict[str, Any] = {}
        for key, value in own_pairs(node):
            if not isinstance(key, yaml.ScalarNode):
                self._refuse("territory.key_not_text", path, key)
            elif key.value in data:
                first = next(own for own, _ in own_pairs(node) if own.value == key.value)
                line = first.start_mark.line + 1
                inner = (*path, key.value)
                self._refuse("territory.duplicate_key", inner, key, key=key.value, line=line)
            else:
                data[key.value] = self._value(value, (*path, key.value), depth + 1)
        return {**self._merged(node, path, depth), **data}

    def _merged(self, node: yaml.MappingNode, path: KeyPath, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for parent in merged_nodes(node):
            if isinstance(parent, yaml.MappingNode):
                data = {**self.mapping(parent, path, depth + 1), **data}
            else:
                self._refuse("territory.merge_not_mapping", path, parent)
        return data

    def _value(self, node: yaml.Node, path: KeyPath, depth: int) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, depth)
        self._count(node, depth)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self._value(item, (*path, place), depth + 1) for place, item in items]
        return self._scalar(node, path)

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        if node.tag in _TEXT_TAGS:
            wrong = _UNSTORABLE.search(node.value)
            if wrong is not None:
                found = f"U+{ord(wrong[0]):04X}"
                self._refuse("territory.control_character", path, node, found=found)
            return node.value
        try:
            value = self._constructor.construct_object(node) if node.tag in _SCALAR_TAGS else ...
        except (ConstructorError, ValueError, LookupError):
            value = ...
        if value is ... or (isinstance(value, float) and not math.isfinite(value)):
            self._refuse("territory.unusable_value", path, node, found=node.value[:60])
            return node.value
        return value

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._values_left -= 1
        if depth > MAX_DEPTH:
            self._refuse("territory.too_deep", (), node, maximum=MAX_DEPTH)
        elif self._values_left < 0:
            self._refuse("territory.too_many_values", (), node, maximum=MAX_VALUES)
        else:
            return
        raise TerritoryInvalidError(tuple(self.findings))

    def _refuse(self, code: str, path: KeyPath, node: yaml.Node, **values: object) -> None:
        mistake = Mistake(code, path, values)
        self.findings.append(Finding.of(mistake, place_of(self._file, node)))


def own_pairs(node: yaml.MappingNode) -> Iterator[Pair]:
    """Give the pairs that a mapping writes itself."""
    return ((key, value) for key, value in node.value if key.tag != _TAG + "merge")


def merged_nodes(node: yaml.MappingNode) -> Iterator[yaml.Node]:
    """Give what ``<<`` merges, the first of them prevailing."""
    for key, value in node.value:
        if key.tag == _TAG + "merge":
            yield from value.value if isinstance(value, yaml.SequenceNode) else [value]


def child(node: yaml.Node, key: str | int) -> Pair | None:
    """Find the key and the value under a mapping's key or a list's place."""
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return (node.value[key], node.value[key]) if key < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in own_pairs(node):
        if name.value == key:
            return name, value
    found = (child(parent, key) for parent in merged_nodes(node))
    return next((pair for pair in found if pair is not None), None)
