"""The file ``accounts.yaml``, and what changes from one of its versions to the next."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.ledger.accounts_rules import accounts_mistakes
from beffroi.ledger.model import Accounts, AllocationKey, Body, CostCentre, Rate
from beffroi.territory.declared_file import load_declared
from beffroi.territory.difference import ChangeKind, FieldChange

SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "bodies": Body,
    "keys": AllocationKey,
    "costs": CostCentre,
    "rates": Rate,
}


class AccountsChange(msgspec.Struct, frozen=True):
    """A noun of the accounts that differs.

    Attributes:
        section: ``issuer``, ``bodies``, ``keys``, ``costs`` or ``rates``.
        name: Its key; empty for the issuer.
    """

    kind: ChangeKind
    section: str
    name: str
    fields: tuple[FieldChange, ...] = ()


def load_accounts(file: Path) -> Accounts:
    """Read and check a file of accounts.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """
    return load_declared(file, Accounts, SECTIONS, accounts_mistakes)


def accounts_changes(before: Accounts | None, after: Accounts) -> tuple[AccountsChange, ...]:
    """Compare two versions, section by section, names in order.

    Args:
        before: What holds now; nothing at the first time.
        after: What is asked for.
    """
    changes = list(_changes("issuer", _issuer(before), _issuer(after)))
    for section in SECTIONS:
        olds = getattr(before, section) if before is not None else {}
        changes += _changes(section, olds, getattr(after, section))
    return tuple(changes)


def _issuer(accounts: Accounts | None) -> Mapping[str, msgspec.Struct]:
    return {} if accounts is None else {"": accounts.issuer}


def _changes(
    section: str, olds: Mapping[str, msgspec.Struct], news: Mapping[str, msgspec.Struct]
) -> Iterator[AccountsChange]:
    for name in sorted(olds.keys() | news.keys()):
        if name not in olds:
            yield AccountsChange(ChangeKind.ADDED, section, name)
        elif name not in news:
            yield AccountsChange(ChangeKind.REMOVED, section, name)
        elif olds[name] != news[name]:
            fields = tuple(_field_changes(olds[name], news[name]))
            yield AccountsChange(ChangeKind.CHANGED, section, name, fields)


def _field_changes(before: msgspec.Struct, after: msgspec.Struct) -> Iterator[FieldChange]:
    for field in after.__struct_fields__:
        old, new = _plain(getattr(before, field)), _plain(getattr(after, field))
        if old != new:
            yield FieldChange(field, old, new)


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON holds
    return msgspec.to_builtins(value)
