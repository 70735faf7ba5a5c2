"""The cluster rules of VMware, as far as RVTools tells them."""

import re
from typing import Final

from beffroi.capacity.inventories.findings import Note
from beffroi.capacity.inventories.quantities import plain_word
from beffroi.capacity.inventories.rows import Row
from beffroi.capacity.inventories.rvtools_columns import Detail

_LISTED: Final = re.compile(r"[,;\n]")
_APART: Final = re.compile(r"anti|separ|apart|distinct|differ|split")
_TOGETHER: Final = re.compile(r"affin|together|ensemble|keep")


class ClusterRules:
    """Rules met so far; those of which nobody can tell the meaning are told, not guessed."""

    def __init__(self) -> None:
        self._unclear: dict[str, None] = {}
        self._second: dict[str, None] = {}

    def of(self, row: Row) -> tuple[str, str]:
        """Return the groups of a machine: the one that stands apart, the one that stays together.

        A rule's kind is told by its own column where there is one, or else by its name.
        """
        kinds = _parts(row.text(Detail.RULE_KINDS))
        names = _parts(row.text(Detail.RULE_NAMES))
        found = {"apart": "", "together": ""}
        for number, name in enumerate(names):
            kind = _kind(kinds[number] if len(kinds) == len(names) else name) or _kind(name)
            if not kind:
                self._unclear[name] = None
            elif found[kind]:
                self._second[f"{row.name}: {name}"] = None
            else:
                found[kind] = f"{row.text(Detail.CLUSTER)}/{name}"
        return found["apart"], found["together"]

    def notes(self, file: str) -> tuple[Note, ...]:
        """Tell which rules do not count."""
        listed = (("rules_unclear", self._unclear), ("rules_second", self._second))
        return tuple(
            Note(code, {"file": file, "rules": ", ".join(rules)}) for code, rules in listed if rules
        )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _LISTED.split(text) if part.strip()]


def _kind(text: str) -> str:
    word = plain_word(text)
    if _APART.search(word):
        return "apart"
    return "together" if _TOGETHER.search(word) else ""
