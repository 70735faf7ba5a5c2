"""What applying a file does to the models that are there; pure."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from beffroi.exchange.flows.differences import differing
from beffroi.exchange.flows.model import ChangeKind, DeclarationChange
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.rules import rules_of
from beffroi.exchange.models.store import HeldModel

_MODEL = "model"


def held_of(
    organisation: str,
    source: str,
    declared: Mapping[str, DeclaredModel],
    files: Mapping[str, bytes],
) -> Sequence[HeldModel]:
    """Return what a file declares, each checked to be of use.

    Raises:
        InvalidInputError: A model is unknown, or its schema is none.
    """
    made = [
        HeldModel(
            tenant=one.tenant,
            organisation=organisation,
            type=name,
            source=source,
            declared=one,
            schema=None if one.schema is None else files.get(str(one.schema), b""),
        )
        for name, one in declared.items()
    ]
    for one in made:
        rules_of(one)
    return made


def model_changes(
    held: Sequence[HeldModel], given: Sequence[HeldModel]
) -> Iterator[DeclarationChange]:
    """Tell which models are added, changed and ended.

    Args:
        held: Those that the same file declared before.
        given: Those that it declares now.
    """
    there = {(one.tenant, one.type): one for one in held}
    for one in given:
        before = there.pop((one.tenant, one.type), None)
        if before is None:
            yield DeclarationChange(ChangeKind.ADDED, _MODEL, one.type)
        elif fields := _fields(before, one):
            yield DeclarationChange(ChangeKind.CHANGED, _MODEL, one.type, fields)
    for one in there.values():
        yield DeclarationChange(ChangeKind.ENDED, _MODEL, one.type)


def _fields(before: HeldModel, after: HeldModel) -> tuple[str, ...]:
    found = list(
        differing(msgspec.to_builtins(before.declared), msgspec.to_builtins(after.declared))
    )
    if before.schema != after.schema:
        found.append("schema")
    return tuple(dict.fromkeys(found))
