"""The digest of a month: what is added to the records later leaves old months as they were."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import msgspec
import pytest

from beffroi.ledger.corrections import Correction, CorrectionKind
from beffroi.ledger.model import (
    Accounts,
    Body,
    BodyKind,
    Explanation,
    Issuer,
    LineKind,
    LineRef,
    StatementLine,
    UsageUnit,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from tests.support.shared_accounts import used

JULY: Final = date(2026, 7, 1)
# Taken with the code before corrections had a kind and months said when meters were read.
FIRST_DIGEST: Final = "5c15d69ed49616e15f89c77c5724017d1add210ea2ebe2eb21632d2dbc5d50b4"


@pytest.fixture
def july() -> MonthRecords:
    body = Body(
        name="drancy",
        title="Ville de Drancy",
        kind=BodyKind.COMMUNE,
        organisations=("drancy",),
        siret="21931111500014",
    )
    issuer = Issuer(
        title="Communauté des Trois Tours",
        siret="20004321400010",
        address=("1 place de l'Hôtel de Ville",),
        postcode="93700",
        town="Drancy",
        number_prefix="CTT",
    )
    line = StatementLine(
        number=1,
        kind=LineKind.COST_SHARE,
        subject="staff",
        title="Deux administrateurs",
        since=date(2026, 6, 1),
        until=JULY,
        quantity=Decimal(1),
        unit="equal_share",
        unit_price_eur=Decimal("12.5"),
        amount_eur=Decimal("12.50"),
        explanation=Explanation("cost_yearly"),
        key="even",
    )
    correction = Correction(
        id=1,
        body="drancy",
        corrects=LineRef("CTT-2026-000001", 1),
        line=line,
        amount_eur=Decimal("-2.50"),
        reason="Compté deux fois.",
    )
    usage = [used("site", "drancy", {UsageUnit.CPU_CORE_H: "12.5"})]
    accounts = Accounts(issuer=issuer, bodies={"drancy": body}, keys={})
    return month_records(accounts, 1, JULY, usage, [correction])


def test_a_month_issued_before_fields_were_added_keeps_its_digest(july: MonthRecords) -> None:
    assert july.digest == FIRST_DIGEST


def test_what_the_added_fields_say_is_digested(july: MonthRecords) -> None:
    (correction,) = july.corrections
    counter = msgspec.structs.replace(correction, kind=CorrectionKind.COUNTER)
    others = (
        msgspec.structs.replace(july, read_until=datetime(2026, 7, 31, tzinfo=UTC)),
        msgspec.structs.replace(july, corrections=(counter,)),
    )
    assert len({one.digest for one in (july, *others)}) == 3
