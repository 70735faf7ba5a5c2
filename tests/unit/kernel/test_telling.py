"""Money is written as each language does."""

from decimal import Decimal

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("0", "0,00 €", "€0.00"),
        ("1234.565", "1 234,57 €", "€1,234.57"),
        ("-1234567.1", "-1 234 567,10 €", "-€1,234,567.10"),
        ("-0.004", "0,00 €", "€0.00"),
    ],
)
def test_an_amount_is_written_with_its_cents(amount: str, french: str, english: str) -> None:
    told = told_euros(Decimal(amount), Language.FR)
    assert told.replace("\N{NO-BREAK SPACE}", " ") == french
    assert told_euros(Decimal(amount), Language.EN) == english


def test_cents_may_be_left_out() -> None:
    assert told_euros(Decimal("1999.5"), Language.EN, cents=False) == "€2,000"
