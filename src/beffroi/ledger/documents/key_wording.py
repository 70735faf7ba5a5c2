"""Allocation keys as documents tell them: what each goes by, its weights and bounds; pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from beffroi.kernel.catalogue import Language
from beffroi.ledger.documents.figures import told_number, told_percent, told_unit
from beffroi.ledger.documents.sheet import word
from beffroi.ledger.model import AllocationKey

_TIMES: Final = "\N{MULTIPLICATION SIGN}"


def key_rows(
    used: Iterable[str], keys: Mapping[str, AllocationKey], language: Language
) -> tuple[tuple[str, str], ...]:
    """Write the title and the basis of each key that is used, by name."""
    names = sorted({name for name in used if name in keys})
    return tuple((keys[name].title, _basis(keys[name], keys, language)) for name in names)


def _basis(key: AllocationKey, keys: Mapping[str, AllocationKey], language: Language) -> str:
    """Say what a key goes by, with its weights and bounds."""
    weights = {
        **{told_unit(unit, language): weight for unit, weight in key.units.items()},
        **{keys[name].title: weight for name, weight in key.parts.items() if name in keys},
        **key.weights,
    }
    told = " + ".join(
        f"{told_number(weight, language)} {_TIMES} {name}" for name, weight in weights.items()
    )
    basis = word(language, f"bases.{key.basis}")
    bounds = (
        word(
            language,
            "bounds",
            floor=told_percent(key.floor_percent, language),
            ceiling=told_percent(key.ceiling_percent, language),
        )
        if key.floor_percent > 0 or key.ceiling_percent < 100
        else ""
    )
    return f"{basis}{f' ({told})' if told else ''}. {bounds}".strip()
