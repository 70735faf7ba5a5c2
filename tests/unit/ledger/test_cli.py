"""Remedies of the ledger's commands name the command that was asked."""

from pathlib import Path

import pytest

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.cli import unit_costs


def test_unit_costs_of_a_file_without_use_name_their_own_command() -> None:
    with pytest.raises(InvalidInputError) as raised:
        unit_costs(2027, accounts=Path("accounts.yaml"))
    assert "beffroi unit-costs 2027 --accounts accounts.yaml --usage" in str(raised.value)
