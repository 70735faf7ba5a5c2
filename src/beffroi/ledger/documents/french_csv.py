"""Tables as French spreadsheets read them.

Semicolons, decimal comma, days as 2026-11-04, UTF-8 with its mark, lines ended by CR LF.
"""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Final

from beffroi.ledger.cents import plain_number

MARK: Final = "\ufeff"


def french_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows under their heading."""
    text = StringIO(newline="")
    text.write(MARK)
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def eur_with_comma(amount: Decimal) -> str:
    """Write euros with their cents."""
    return f"{amount + 0:.2f}".replace(".", ",")


def number_with_comma(number: Decimal) -> str:
    """Write a number with the decimals that it needs."""
    return plain_number(number + 0).replace(".", ",")
