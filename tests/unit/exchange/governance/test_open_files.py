"""Files of open data are read by spreadsheets, which run what looks like a formula."""

import pytest

from beffroi.exchange.governance.open_files import harmless


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+A1", "'-2+A1"),
        ("\t=1", "'\t=1"),
        ("-2.5", "-2.5"),
        ("+33 3 20 00 00 00", "+33 3 20 00 00 00"),
        ("Hôtel de ville", "Hôtel de ville"),
        ("", ""),
    ],
)
def test_a_cell_that_would_run_is_text_and_a_number_stays_one(cell: str, written: str) -> None:
    assert harmless(cell) == written
